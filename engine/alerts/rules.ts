/** Which rule holds for what: the built-in ones, and the author's instead of them. Pure. */
import type { AlertModel } from "../config/operations.ts";
import type { AlertKind } from "../config/schema/alerts.schema.ts";

export type Severity = "page" | "alert" | "off";

/** A rule as it holds for one subject. */
export interface Rule {
  /** The author's name for it; else its kind. */
  readonly name: string;
  readonly kind: AlertKind;
  /** Absent: as the kind has it. */
  readonly severity?: Severity;
  /** In the unit of the kind. */
  readonly above: number;
  readonly forMs: number;
  readonly to?: string;
  readonly repeatMs?: number;
  readonly runbook?: string;
}

interface Builtin {
  /** Absent: watched only where an author declares it. */
  readonly severity?: Severity;
  readonly above: number;
  readonly forMs?: number;
}

const MINUTE = 60_000;

/** docs/alerts.md has this table in words. */
export const BUILTIN: Readonly<Record<AlertKind, Builtin>> = {
  // By each window of `alerting.budget.burn`.
  budget_burn: { severity: "page", above: 0 },
  connection_paused: { severity: "page", above: 60 * MINUTE },
  store_full: { severity: "page", above: 0 },
  breaker_open: { severity: "alert", above: 5 * MINUTE },
  dead_letter: { severity: "alert", above: 0 },
  held: { severity: "alert", above: 0 },
  rejected: { severity: "alert", above: 20 },
  signature_key: { severity: "alert", above: 14 * 24 * 60 * MINUTE },
  drift: { severity: "alert", above: 0 },
  refused: { severity: "alert", above: 0 },
  silence: { severity: "alert", above: 0 },
  clock_skew: { severity: "alert", above: 0 },
  reload_failed: { severity: "alert", above: 0, forMs: 5 * MINUTE },
  lag: { above: 5 * MINUTE },
  failure_rate: { above: 0.5 },
  hold_expired: { above: 0 },
  retries: { above: 100 },
  duplicates: { above: 0.5 },
};

/** What a rule is asked for. */
export interface Subject {
  readonly pipelines?: readonly string[];
  readonly sources?: readonly string[];
}

/** The rule of a kind for a subject; undefined: it is not watched. Of the author's, the first that names it. */
export function ruleFor(declared: readonly AlertModel[], kind: AlertKind, subject: Subject): Rule | undefined {
  const builtin = BUILTIN[kind];
  const own = declared.find((rule) => rule.on === kind && covers(rule, subject));
  if (own === undefined) {
    if (builtin.severity === undefined) return undefined;
    const { severity, above, forMs = 0 } = builtin;
    // Of a budget each window has its own.
    return { name: kind, kind, ...(kind === "budget_burn" ? {} : { severity }), above, forMs };
  }
  const severity = own.severity ?? builtin.severity ?? "alert";
  return {
    name: own.name,
    kind,
    ...(own.severity === undefined && kind === "budget_burn" ? {} : { severity }),
    above: own.above ?? builtin.above,
    forMs: own.forMs ?? builtin.forMs ?? 0,
    ...(own.to === undefined ? {} : { to: own.to }),
    ...(own.repeatMs === undefined ? {} : { repeatMs: own.repeatMs }),
    ...(own.runbook === undefined ? {} : { runbook: own.runbook }),
  };
}

function covers({ pipelines, sources }: AlertModel, subject: Subject): boolean {
  const ofPipelines = pipelines.length === 0 || (subject.pipelines ?? []).some((name) => pipelines.includes(name));
  const ofSources = sources.length === 0 || (subject.sources ?? []).some((name) => sources.includes(name));
  return ofPipelines && ofSources;
}
