/** What is wrong now, one finding for each subject: made anew at each look, told by what lasts. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { AlertKind } from "../config/schema/alerts.schema.ts";
import type { AlertFacts, LearnedSecret, Pause, StoreSize } from "../store/store.ts";
import type { Listener } from "./heartbeat.ts";
import type { Recent } from "./recent.ts";
import { type Rule, ruleFor, type Severity, type Subject } from "./rules.ts";
import type { Budget, Series } from "./slo.ts";

export interface Finding {
  /** Stable while it lasts. */
  readonly id: string;
  readonly kind: AlertKind;
  readonly rule: string;
  readonly severity: Severity;
  /** What is to blame: findings of one cause are one alert. `connection:crm`, `pipeline:paid`, `source:stripe`, `engine:store`. */
  readonly cause: string;
  readonly pipelines: readonly string[];
  /** One sentence, without a value of any event. */
  readonly text: string;
  /** What to type, in order. */
  readonly type: readonly string[];
  /** How much of it there is, where that is counted: twice as much is told again. */
  readonly size: number;
  readonly forMs: number;
  readonly to?: string;
  readonly repeatMs?: number;
  readonly runbook?: string;
}

/** All that rules look at. */
export interface World {
  readonly now: number;
  readonly startedAt: number;
  readonly revision: Revision;
  readonly budgets: readonly Budget[];
  readonly series: Series;
  readonly recent: Recent;
  readonly listener: Listener;
  readonly facts: AlertFacts;
  readonly pauses: readonly Pause[];
  /** Since when a breaker is not closed. */
  readonly openBreakers: ReadonlyMap<string, number>;
  readonly pendingSecrets: readonly Pick<LearnedSecret, "source" | "name" | "fingerprint" | "learnedAt">[];
  readonly store?: StoreSize & { readonly findings: readonly string[] };
  /** The reserve was there and is not any more. */
  readonly reserveSpent: boolean;
  /** The store refused something since the disk is full, and when. */
  readonly storeFullAt?: number;
  readonly skew?: { readonly at: number; readonly sources: readonly string[]; readonly medianMs: number };
  /** Of the last reload, where it was refused. */
  readonly reloadRefused?: { readonly at: number; readonly code: string };
  /** Takes personal data out of a text. */
  readonly mask: (text: string) => string;
}

/** What a kind says beside what its rule gives. */
export interface Seen extends Pick<Finding, "cause" | "pipelines" | "text" | "type"> {
  /** With the kind, the finding's id. */
  readonly of: string;
  readonly size?: number;
  /** Where the kind, and no author, decides. */
  readonly severity?: Severity;
}

/** The finding of a rule; `severity` of the rule goes before the kind's own. */
export function findingOf(rule: Rule, seen: Seen, own = false): Finding {
  const { of, size = 0, severity, ...rest } = seen;
  return {
    id: `${rule.kind} ${of}`,
    kind: rule.kind,
    rule: rule.name,
    severity: own ? (severity ?? rule.severity ?? "alert") : (rule.severity ?? severity ?? "alert"),
    ...rest,
    size,
    forMs: rule.forMs,
    ...(rule.to === undefined ? {} : { to: rule.to }),
    ...(rule.repeatMs === undefined ? {} : { repeatMs: rule.repeatMs }),
    ...(rule.runbook === undefined ? {} : { runbook: rule.runbook }),
  };
}

export function ruleIn({ revision }: World, kind: AlertKind, subject: Subject = {}): Rule | undefined {
  const of = (pipelines: readonly string[]) =>
    revision.pipelines.filter(({ name }) => pipelines.includes(name)).map(({ source }) => source.name);
  return ruleFor(revision.alerts, kind, { ...subject, sources: subject.sources ?? of(subject.pipelines ?? []) });
}

/** True when the author has written a rule for it. */
export function isDeclared(rule: Rule, { revision }: World): boolean {
  return revision.alerts.some((one) => one.name === rule.name && one.on === rule.kind && one.severity !== undefined);
}

/** Pipelines that deliver to a connection. */
export function pipelinesTo(revision: Revision, connection: string): readonly string[] {
  const uses = (pipeline: PipelineModel) =>
    pipeline.deliver.some((list) => list.some((one) => one.connection === connection));
  return revision.pipelines.filter(uses).map(({ name }) => name);
}

/** Pipelines that listen to a source. */
export function pipelinesOf(revision: Revision, source: string): readonly string[] {
  return revision.pipelines.filter((one) => one.source.name === source).map(({ name }) => name);
}

/** All sources: the named ones, and those written inline. */
export function sourcesOf(revision: Revision): ReadonlyMap<string, PipelineModel["source"]> {
  return new Map([...revision.sources, ...revision.pipelines.map(({ source }) => [source.name, source] as const)]);
}
