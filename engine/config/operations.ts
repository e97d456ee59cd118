/** What a revision says to operators: teams, channels, alert rules, and what has moved or is gone. */
import type { Secret } from "../core/secret.ts";
import type { Json, SourcePosition } from "../core/types.ts";
import type { AlertKind } from "./schema/alerts.schema.ts";

export interface TeamModel {
  readonly description?: string;
  /** Channel names. */
  readonly alerts?: string;
  readonly page?: string;
}

export interface ChannelModel {
  readonly name: string;
  readonly via:
    | { readonly kind: "slack"; readonly url: Secret }
    | { readonly kind: "pagerduty"; readonly routingKey: Secret; readonly url: string }
    | { readonly kind: "webhook"; readonly url: Secret; readonly signingSecret?: Secret }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "log" }
    | {
        readonly kind: "connection";
        readonly connection: string;
        readonly action?: string;
        readonly params: Readonly<Record<string, Json>>;
      };
  readonly allowPrivate: boolean;
  readonly fallback?: string;
}

export interface AlertModel {
  readonly name: string;
  readonly on: AlertKind;
  /** A number, a share between 0 and 1, or ms: as the kind of alert reads it. */
  readonly above?: number;
  readonly forMs?: number;
  /** Empty: all. */
  readonly pipelines: readonly string[];
  readonly sources: readonly string[];
  readonly severity?: "alert" | "page" | "off";
  readonly to?: string;
  readonly repeatMs?: number;
  readonly runbook?: string;
  readonly position: SourcePosition;
}

/** The budget burns `rate` times faster than allowed, over both windows. */
export interface BurnModel {
  readonly rate: number;
  readonly longMs: number;
  readonly shortMs: number;
  readonly severity: "alert" | "page";
}

export interface MaintenanceModel {
  readonly match: string;
  readonly reason: string;
  readonly when:
    | { readonly from: number; readonly until: number }
    | {
        /** 0: Monday. Empty: every day. */
        readonly days: readonly number[];
        /** Minutes after midnight, in `zone`. */
        readonly at: number;
        readonly forMs: number;
        readonly zone: string;
      };
}

export interface AlertingModel {
  readonly default?: string;
  readonly page?: string;
  readonly budget: {
    readonly windowMs: number;
    readonly minEvents: number;
    readonly minLate: number;
    readonly burn: readonly BurnModel[];
  };
  readonly waitMs: number;
  readonly updateMs: number;
  readonly repeatMs: number;
  readonly clearMs: number;
  readonly learnSilence: boolean;
  readonly maintenance: readonly MaintenanceModel[];
}

type Renames = Readonly<Record<string, string>>;

/** Old name -> new name. */
export interface MovedModel {
  readonly pipelines: Renames;
  readonly sources: Renames;
  readonly connections: Renames;
  readonly entities: Renames;
  /** `entity.attribute`. */
  readonly attributes: Renames;
  readonly states: Renames;
}

export interface DropModel {
  readonly pipelines: readonly string[];
  readonly sources: readonly string[];
  readonly connections: readonly string[];
  readonly entities: readonly string[];
  readonly attributes: readonly string[];
  readonly states: readonly string[];
}
