/** An opened connection of a preset: everything compiled once, and how an action is found in it. */
import { Secret } from "../core/secret.ts";
import type { JsonObject } from "../core/types.ts";
import type { BatchSpec } from "../plugin/answers.schema.ts";
import type { Settings, SinkContext } from "../plugin/index.ts";
import type { Preset, PresetAction } from "../plugin/preset.schema.ts";
import type { Authenticator } from "./auth.ts";
import type { Joining } from "./batch.ts";
import type { CompiledParts } from "./http-request.ts";
import type { Expressions } from "./template.ts";

/** One action, its expressions compiled. */
export interface CompiledAction {
  readonly spec: PresetAction;
  readonly identity: readonly { readonly source: string; readonly expression: ReturnType<Expressions["compile"]> }[];
  readonly single?: CompiledParts;
  readonly steps?: {
    readonly lookup: CompiledParts;
    readonly create: CompiledParts;
    readonly update: CompiledParts;
    readonly found: string;
  };
}

/** An opened connection of a preset. */
export interface Opened {
  readonly preset: Preset;
  readonly settings: Settings;
  readonly context: SinkContext;
  readonly expressions: Expressions;
  readonly actions: ReadonlyMap<string, CompiledAction>;
  readonly messages: ReadonlyMap<string, ReturnType<Expressions["compile"]>>;
  readonly auth: Authenticator;
}

/** The action a frozen request names. */
export function actionOf(data: JsonObject | undefined, { actions }: Opened): CompiledAction | undefined {
  const name = data?.["action"];
  return typeof name === "string" ? (actions.get(name) ?? actions.get("*")) : undefined;
}

/** How requests of an action are joined. */
export function joiningOf(spec: PresetAction, batch: BatchSpec, { context }: Opened): Joining {
  return { spec: batch, format: spec.body_format ?? "json", connection: context.connection };
}

/** The text members of a setting that is a mapping. */
export function mapOf(value: Settings[string] | undefined): Record<string, string> {
  const out: Record<string, string> = {};
  if (typeof value === "object" && value !== null)
    for (const [name, text] of Object.entries(value)) if (typeof text === "string") out[name] = text;
  return out;
}

/** The same, with the ones that are secret. */
export function secretsOf(value: Settings[string] | undefined): Record<string, string> {
  const out = mapOf(value);
  if (typeof value === "object" && value !== null)
    for (const [name, secret] of Object.entries(value)) if (secret instanceof Secret) out[name] = secret.reveal();
  return out;
}
