/** One alert: all findings of one cause, from the first look at which they were there until they have been gone for a while. */
import type { JsonObject } from "../core/types.ts";
import type { AlertRecord } from "../store/store.ts";
import type { Finding } from "./finding.ts";
import type { Severity } from "./rules.ts";

export interface Member extends Finding {
  readonly firstSeen: number;
  readonly lastSeen: number;
}

/** What a channel was told of an alert. */
export interface Told {
  readonly channel: string;
  readonly at: number;
  readonly severity: Severity;
  readonly pipelines: readonly string[];
  readonly size: number;
}

export interface Alert {
  readonly id: string;
  /** The cause its findings share. */
  readonly subject: string;
  readonly severity: Severity;
  readonly openedAt: number;
  readonly resolvedAt?: number;
  readonly members: readonly Member[];
  readonly told: readonly Told[];
  /** Why nobody is told now. */
  readonly silenced?: string;
}

const RANK: Readonly<Record<Severity, number>> = { off: 0, alert: 1, page: 2 };

export function worse(a: Severity, b: Severity): Severity {
  return RANK[a] >= RANK[b] ? a : b;
}

export function isWorse(a: Severity, b: Severity): boolean {
  return RANK[a] > RANK[b];
}

export const severityOf = (members: readonly Pick<Member, "severity">[]): Severity =>
  members.reduce<Severity>((worst, one) => worse(worst, one.severity), "off");

/** Names of all pipelines it concerns. */
export function pipelinesIn(members: readonly Pick<Member, "pipelines">[]): readonly string[] {
  return [...new Set(members.flatMap(({ pipelines }) => pipelines))].sort();
}

export const sizeOf = (members: readonly Pick<Member, "size">[]): number =>
  members.reduce((sum, { size }) => sum + size, 0);

export function toRecord(alert: Alert): AlertRecord {
  const { id, subject, openedAt, resolvedAt, ...rest } = alert;
  const ends = resolvedAt === undefined ? {} : { resolvedAt };
  return { id, subject, openedAt, ...ends, document: rest as unknown as JsonObject };
}

/** What `toRecord` wrote. */
export function fromRecord({ id, subject, openedAt, resolvedAt, document }: AlertRecord): Alert {
  const rest = document as unknown as Omit<Alert, "id" | "subject" | "openedAt" | "resolvedAt">;
  return { ...rest, id, subject, openedAt, ...(resolvedAt === undefined ? {} : { resolvedAt }) };
}
