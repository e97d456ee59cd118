/** What alerts keep in the store: counts of what was in time, open alerts, messages to channels, silences. */
import type { JsonObject } from "../core/types.ts";
import type { AuditRow } from "./records.ts";

/** Events of a pipeline whose promised lag ended within one bucket. `cause`: the connection the late ones wait for; empty: none. */
export interface SloCount {
  readonly pipeline: string;
  /** Begin of the bucket, ms since the epoch. */
  readonly at: number;
  readonly cause: string;
  readonly good: number;
  readonly bad: number;
}

/** Up to which event a pipeline's are counted. */
export interface SloCursor {
  readonly pipeline: string;
  readonly seq: number;
}

/** `hour`: ms since the epoch / 3 600 000. */
export interface SourceHour {
  readonly source: string;
  readonly hour: number;
  readonly events: number;
  readonly lastAt: number;
}

/** How one event stands in one pipeline. `endedAt`: when its last delivery was done; absent while something is open. */
export interface TurnStanding {
  readonly pipeline: string;
  readonly status: "done" | "open" | "held" | "dead";
  readonly endedAt?: number;
  /** Where it waits, or died, if it is a delivery. */
  readonly connection?: string;
  /** The payload broke its contract beside what the rule reads. */
  readonly drift: boolean;
}

export interface EventStanding {
  readonly seq: number;
  readonly receivedAt: number;
  readonly turns: readonly TurnStanding[];
}

/** One alert, as JSON of the layer above. */
export interface AlertRecord {
  readonly id: string;
  readonly subject: string;
  readonly openedAt: number;
  readonly resolvedAt?: number;
  readonly document: JsonObject;
}

export interface NewAlertMessage {
  readonly alert: string;
  readonly channel: string;
  readonly kind: string;
  readonly document: JsonObject;
  readonly at: number;
}

export interface AlertMessage extends Omit<NewAlertMessage, "at"> {
  readonly seq: number;
  readonly createdAt: number;
  readonly nextAt: number;
  readonly attempts: number;
}

/** What an attempt of a message came to: sent, given up, due again, or handed to another channel. */
export interface AlertMessageEnd {
  readonly seq: number;
  readonly at: number;
  readonly detail: string;
  readonly end: "sent" | "failed" | { readonly nextAt: number } | { readonly handedTo: string };
}

export interface Silence {
  readonly id: string;
  readonly match: string;
  readonly from: number;
  readonly until: number;
  readonly by: string;
  readonly reason: string;
  readonly madeAt: number;
}

/** All of one look, in one transaction. Counts and hours are added to what is there. */
export interface AlertSave {
  readonly counts: readonly SloCount[];
  readonly cursors: readonly SloCursor[];
  readonly hours: readonly SourceHour[];
  readonly alerts: readonly AlertRecord[];
  readonly messages: readonly NewAlertMessage[];
}

export interface AlertPurge {
  /** Counts older than this are joined to buckets of `joinMs`. */
  readonly joinBefore: number;
  readonly joinMs: number;
  readonly countsBefore: number;
  readonly hoursBefore: number;
  /** Alerts that were resolved, messages that were done and silences that ended before this. */
  readonly doneBefore: number;
}

/** What alert rules look at in the store. */
export interface AlertFacts {
  readonly dead: readonly {
    readonly pipeline: string;
    /** Of events that could not be read, which have no pipeline; else empty. */
    readonly source: string;
    readonly connection: string;
    readonly code: string;
    readonly open: number;
    readonly oldestAt: number;
    readonly newestAt: number;
  }[];
  readonly held: readonly { readonly pipeline: string; readonly held: number; readonly oldestAt: number }[];
}

/** What the store gives to the layer that watches. */
export interface AlertReads {
  /** Events with a seq above `after` that were received by `receivedBy`, in order. */
  standings(after: number, receivedBy: number, limit: number): Promise<readonly EventStanding[]>;
  sloCounts(since: number): Promise<readonly SloCount[]>;
  sloCursors(): Promise<readonly SloCursor[]>;
  lastEventSeq(): Promise<number>;
  sourceHours(since: number): Promise<readonly SourceHour[]>;
  alertFacts(): Promise<AlertFacts>;
  /** Protected values that were not lowered, by pipeline, since a row of the history; `last`: the newest row. */
  refusedSince(history: number | undefined): Promise<{ readonly last: number; readonly refused: readonly string[] }>;
  /** Newest first; the open ones, or all. */
  alerts(filter: { readonly open?: boolean; readonly limit: number }): Promise<readonly AlertRecord[]>;
  dueAlertMessages(now: number, limit: number): Promise<readonly AlertMessage[]>;
  nextAlertMessage(): Promise<number | undefined>;
  /** Those that end after `now`. */
  silences(now: number): Promise<readonly Silence[]>;
}

export interface AlertWrites {
  saveAlerts(save: AlertSave): Promise<void>;
  endAlertMessage(end: AlertMessageEnd): Promise<void>;
  addSilence(silence: Silence, audit: AuditRow): Promise<void>;
  /** False when there is none, or it has ended. */
  endSilence(id: string, audit: AuditRow): Promise<boolean>;
  purgeAlerts(purge: AlertPurge): Promise<void>;
}
