/** What is known of alerts and budgets at this moment: open alerts, silences, how channels do; as documents for the admin API. */
import type { Revision } from "../config/revision.ts";
import { parseAlertPattern } from "../core/alert-pattern.ts";
import type { Clock } from "../core/clock.ts";
import type { Silence, Store } from "../store/store.ts";
import { type Alert, fromRecord } from "./alert.ts";
import { type AlertDocument, alertDocument } from "./document.ts";
import type { ChannelHealth } from "./sender.ts";
import { isIn, patternSubject } from "./silences.ts";
import { type Budget, createSeries, type Series } from "./slo.ts";

export interface SilenceDocument {
  readonly id: string;
  readonly match: string;
  readonly from: string;
  readonly until: string;
  readonly by: string;
  readonly reason: string;
}

export interface BudgetDocument {
  readonly pipeline: string;
  readonly owner: string;
  readonly objective: number;
  readonly lag_ms: number;
  readonly window_ms: number;
  readonly events: number;
  readonly late: number;
  /** 1 is untouched, 0 used up, below 0 overdrawn. */
  readonly left: number;
  readonly burns: readonly {
    readonly rate: number;
    readonly severity: string;
    readonly long_ms: number;
    readonly short_ms: number;
    readonly long: number;
    readonly short: number;
    readonly firing: boolean;
  }[];
}

export interface ChannelDocument {
  readonly name: string;
  readonly kind: string;
  readonly fallback: string | null;
  readonly last_sent_at: string | null;
  readonly failing: { readonly since: string; readonly attempts: number; readonly detail: string } | null;
}

/** Short, for the status document. */
export interface AlertsSummary {
  readonly open: readonly Pick<AlertDocument, "id" | "status" | "severity" | "title" | "opened_at" | "silenced">[];
  readonly silences: number;
  readonly failing_channels: readonly string[];
}

export interface Known {
  readonly series: Series;
  open(): readonly Alert[];
  setOpen(alerts: readonly Alert[]): void;
  silences(): readonly Silence[];
  setSilences(silences: readonly Silence[]): void;
  setBudgets(budgets: readonly Budget[]): void;
  onHealth(health: () => readonly ChannelHealth[]): void;
  /** What one channel was told of an alert, another one was told. */
  hand(alert: string, from: string, to: string): void;
  openDocuments(): readonly AlertDocument[];
  /** Resolved ones too, newest first. */
  pastDocuments(limit: number): Promise<readonly AlertDocument[]>;
  silenceDocuments(): readonly SilenceDocument[];
  /** Windows of the config that last now. */
  maintenance(): readonly { readonly match: string; readonly reason: string }[];
  /** Open alerts that a pattern fits; none for one that can not be read. */
  covered(match: string): readonly Alert[];
  budgetDocuments(): readonly BudgetDocument[];
  channelDocuments(): readonly ChannelDocument[];
  summary(): AlertsSummary;
}

interface KnownDeps {
  readonly clock: Clock;
  readonly revision: () => Revision;
  readonly store: Pick<Store, "alerts">;
}

export function createKnown({ clock, revision, store }: KnownDeps): Known {
  let open: readonly Alert[] = [];
  let silences: readonly Silence[] = [];
  let budgets: readonly Budget[] = [];
  let health: () => readonly ChannelHealth[] = () => [];
  const current = () => silences.filter(({ until }) => until > clock.now());
  const known: Known = {
    series: createSeries(),
    open: () => open,
    setOpen: (alerts) => {
      open = alerts;
    },
    silences: () => silences,
    setSilences: (all) => {
      silences = all;
    },
    setBudgets: (all) => {
      budgets = all;
    },
    onHealth: (read) => {
      health = read;
    },
    hand(id, from, to) {
      open = open.map((alert) => {
        const told = alert.told.find(({ channel }) => channel === from);
        if (alert.id !== id || told === undefined || alert.told.some(({ channel }) => channel === to)) return alert;
        return { ...alert, told: [...alert.told, { ...told, channel: to }] };
      });
    },
    openDocuments: () =>
      [...open].sort((a, b) => b.openedAt - a.openedAt).map((alert) => alertDocument(alert, revision())),
    pastDocuments: async (limit) =>
      (await store.alerts({ limit })).map((record) => alertDocument(fromRecord(record), revision())),
    silenceDocuments: () => current().map(silenceDocument),
    maintenance: () =>
      revision()
        .alerting.maintenance.filter((one) => isIn(one, clock.now()))
        .map(({ match, reason }) => ({ match, reason })),
    covered: (match) => {
      const fits = parseAlertPattern(match);
      return open.filter((alert) => fits?.(patternSubject(alert, revision())) === true);
    },
    budgetDocuments: () => budgets.map((budget) => budgetDocument(budget, revision())),
    channelDocuments: () => channels(revision(), health()),
    summary: () => ({
      open: known.openDocuments().map(({ id, status, severity, title, opened_at, silenced }) => ({
        id,
        status,
        severity,
        title,
        opened_at,
        silenced,
      })),
      silences: current().length,
      failing_channels: health().flatMap(({ channel, failing }) => (failing === undefined ? [] : [channel])),
    }),
  };
  return known;
}

export function silenceDocument({ id, match, from, until, by, reason }: Silence): SilenceDocument {
  return { id, match, from: new Date(from).toISOString(), until: new Date(until).toISOString(), by, reason };
}

function budgetDocument(budget: Budget, { pipelines }: Revision): BudgetDocument {
  const { pipeline, objective, lagMs, windowMs, total, late, left, burns } = budget;
  return {
    pipeline,
    owner: pipelines.find(({ name }) => name === pipeline)?.owner ?? "",
    objective,
    lag_ms: lagMs,
    window_ms: windowMs,
    events: total,
    late,
    left: rounded(left),
    burns: burns.map(({ rate, severity, longMs, shortMs, long, short, firing }) => ({
      rate,
      severity,
      long_ms: longMs,
      short_ms: shortMs,
      long: rounded(long),
      short: rounded(short),
      firing,
    })),
  };
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

function channels({ channels: declared }: Revision, health: readonly ChannelHealth[]): readonly ChannelDocument[] {
  return [...declared.values()].map(({ name, via, fallback }) => {
    const { lastSentAt, failing } = health.find(({ channel }) => channel === name) ?? {};
    return {
      name,
      kind: via.kind,
      fallback: fallback ?? null,
      last_sent_at: lastSentAt === undefined ? null : new Date(lastSentAt).toISOString(),
      failing: failing === undefined ? null : { ...failing, since: new Date(failing.since).toISOString() },
    };
  });
}
