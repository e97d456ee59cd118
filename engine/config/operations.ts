/** What a revision says to operators: teams, channels, alert rules, and what has moved or is gone. */
import type { Json, SourcePosition } from "../core/types.ts";

export interface TeamModel {
  readonly description?: string;
  /** Channel names. */
  readonly alerts?: string;
  readonly page?: string;
}

export interface ChannelModel {
  readonly name: string;
  readonly connection: string;
  readonly action?: string;
  readonly params: Readonly<Record<string, Json>>;
}

export interface AlertModel {
  readonly name: string;
  readonly on: string;
  /** A number, a share between 0 and 1, or ms: as the kind of alert reads it. */
  readonly above?: number;
  readonly forMs?: number;
  /** Empty: all. */
  readonly pipelines: readonly string[];
  readonly sources: readonly string[];
  readonly severity: "alert" | "page";
  readonly to?: string;
  readonly repeatMs: number;
  readonly runbook?: string;
  readonly position: SourcePosition;
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
