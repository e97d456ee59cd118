/** What a plan tells: nothing in it that may not be shown. The JSON form is this, in snake case (`json.ts`). */

export interface PlanSide {
  /** As it was asked for: `main`, `running`, a folder, or the config at hand. */
  readonly label: string;
  readonly revision: string;
  readonly gitCommit?: string;
}

export interface PlanBasis {
  readonly kind: "stored" | "corpus" | "samples";
  readonly events: number;
  /** ms since the epoch, of the first and the last event. */
  readonly from?: number;
  readonly to?: number;
  /** Events of the span that `--last` left out. */
  readonly more: number;
  /** Events whose bodies retention has removed. */
  readonly bodiesGone: number;
  /** Turns whose rule fetches something that is not stored. */
  readonly notFetched: number;
}

export type Sign = "appear" | "change" | "vanish";

export interface Example {
  readonly event: string;
  readonly entity?: string;
  readonly before: string;
  readonly after: string;
}

/** Events that write something else. */
interface Counted {
  readonly appear: number;
  readonly change: number;
  readonly vanish: number;
  readonly examples: readonly Example[];
}

export interface AttributeChange extends Counted {
  readonly entity: string;
  readonly attribute: string;
  /** `connection action` of the deliveries that differ; empty: only our own record does. */
  readonly places: readonly string[];
}

export interface EffectChange extends Counted {
  readonly connection: string;
  readonly action: string;
  /** Name of the event, for effects. */
  readonly event: string;
}

export interface OutcomeChange {
  readonly before: string;
  readonly after: string;
  readonly count: number;
  /** Events by name. */
  readonly examples: readonly string[];
}

export interface PipelineChange {
  readonly pipeline: string;
  readonly kind: "added" | "removed" | "changed";
  readonly attributes: readonly AttributeChange[];
  readonly effects: readonly EffectChange[];
  readonly outcomes: readonly OutcomeChange[];
}

export const BREAKING_KINDS = [
  "source_removed",
  "source_path",
  "dedupe_key",
  "ordering_key",
  "entity_key",
  "entity_ids",
  "removed",
  "once",
] as const;

export interface Breaking {
  readonly kind: (typeof BREAKING_KINDS)[number];
  /** What it is, by name. */
  readonly what: string;
  /** What follows from it. */
  readonly why: string;
  /** Events of the plan that it concerns. */
  readonly events: number;
  /** Live rows that hold it, in words; none where no store was read. */
  readonly rows: readonly string[];
  readonly examples: readonly string[];
}

export interface PlanReport {
  readonly before: PlanSide;
  readonly after: PlanSide;
  readonly basis: PlanBasis;
  readonly pipelines: readonly PipelineChange[];
  readonly breaking: readonly Breaking[];
  /** Attributes and effects that no event writes differently: they are not listed. */
  readonly unchanged: number;
}

export const hasChanges = (report: PlanReport): boolean => report.pipelines.length > 0 || report.breaking.length > 0;

/** Of one thing that changes: what most of its events do. */
export function signOf({ appear, change, vanish }: Pick<Counted, "appear" | "change" | "vanish">): Sign {
  if (appear > 0 && change === 0 && vanish === 0) return "appear";
  return vanish > 0 && change === 0 && appear === 0 ? "vanish" : "change";
}
