/** A Revision: one validated config, compiled and frozen. Flow and everything above work on this and never on YAML. */
import type { Secret } from "../core/secret.ts";
import type { SourcePosition } from "../core/types.ts";
import type { ConnectionModel, DeliverModel } from "../delivery/model.ts";
import type { Contract } from "../mapping/contract.ts";
import type { RuleModel } from "../mapping/model.ts";
import type { EntityModel } from "../core/entity.ts";
import type { Recipe } from "../provider/recipe.ts";
import type { SourceSecret } from "../provider/model.ts";

export interface SourceModel {
  readonly name: string;
  readonly path: string;
  readonly provider: string;
  readonly recipe: Recipe;
  readonly secrets: readonly SourceSecret[];
  /** Params a recipe asks for besides secrets, e.g. the registered URL. */
  readonly params: Readonly<Record<string, string | Secret>>;
  /** Dot path below which expressions read; "" for the whole body. */
  readonly root: string;
  /** How payload numbers become `time` attributes. */
  readonly times: "seconds" | "millis" | "iso";
  readonly maxBodyBytes: number;
  /** How long a provider id is remembered, ms. */
  readonly dedupeWindowMs: number;
  /** How long a body hash is remembered where there is no id, ms. */
  readonly hashWindowMs: number;
  /** How far ahead of receipt an event's time may lie and still move a version, ms. */
  readonly maxAheadMs: number;
  readonly position: SourcePosition;
}

/** One key of a test event list, and what a test expects: as written, validated. See config/language. */
export interface PipelineModel {
  readonly name: string;
  readonly description?: string;
  readonly owner: string;
  readonly runbook?: string;
  readonly source: SourceModel;
  readonly sla: { readonly lagMs: number; readonly objective: number };
  readonly rules: readonly RuleModel[];
  /** Per rule index: the rule's own entries, then the pipeline's. */
  readonly deliver: readonly (readonly DeliverModel[])[];
  /** JSON Schema contract by version, when named. */
  readonly contract?: Contract;
  readonly position: SourcePosition;
}

export interface Revision {
  /** SHA-256 of the canonical content, hex. */
  readonly hash: string;
  readonly gitCommit?: string;
  /** Files as read, path -> text. */
  readonly files: Readonly<Record<string, string>>;
  readonly environment: "production" | "staging" | "dev";
  /** Folder of `config.yaml`, absolute. */
  readonly root: string;
  readonly server: { readonly port: number; readonly host: string };
  readonly admin: { readonly port: number; readonly host: string };
  readonly store: { readonly kind: "sqlite"; readonly path: string };
  readonly teams: ReadonlyMap<string, { readonly alerts?: string; readonly page?: string }>;
  readonly sources: ReadonlyMap<string, SourceModel>;
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly pipelines: readonly PipelineModel[];
}
