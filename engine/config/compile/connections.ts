/** `connections:` -> models: the sink, its settings with secrets wrapped, limits. */
import { Secret } from "../../core/secret.ts";
import type { Json } from "../../core/types.ts";
import { compileConnection } from "../../delivery/connection.ts";
import { connectionSchema } from "../../delivery/deliver.schema.ts";
import type { ConnectionModel, EntryFault } from "../../delivery/model.ts";
import { compileExpression } from "../../mapping/expression.ts";
import type { Setting, Settings, SinkContext, SinkDescriptor } from "../../plugin/index.ts";
import { visitLeaves } from "../annotations.ts";
import { staysInside } from "../files.ts";
import { markWithin, positionOf } from "../position.ts";
import { type CompileContext, checkName } from "./context.ts";
import { markAt } from "./places.ts";

/** Sinks by name: code and presets. */
export type Sinks = ReadonlyMap<string, SinkDescriptor>;

export interface ConnectionDeps {
  readonly sinks: Sinks;
  /** All sinks there are, loaded or not. */
  readonly sinkNames: readonly string[];
  readonly environment: string;
  readonly sinkContext: (connection: ConnectionModel) => SinkContext;
}

export function compileConnections(
  context: CompileContext,
  deps: ConnectionDeps,
): ReadonlyMap<string, ConnectionModel> {
  const models = new Map<string, ConnectionModel>();
  for (const [name, yaml] of Object.entries(context.config.connections ?? {})) {
    if (yaml.owner !== undefined) {
      checkName(context, "team", yaml.owner, {
        names: Object.keys(context.config.teams ?? {}),
        mark: context.positions.value(yaml, "owner"),
      });
    }
    const sink = deps.sinks.get(yaml.sink);
    if (sink === undefined) {
      checkName(context, "sink", yaml.sink, { names: deps.sinkNames, mark: context.positions.value(yaml, "sink") });
      continue;
    }
    const { model, faults } = compileConnection({
      name,
      raw: settingsOf(yaml, sink),
      sink,
      environment: deps.environment,
      position: positionOf(context.positions.of(yaml)),
      context: deps.sinkContext,
    });
    models.set(name, model);
    for (const fault of faults) reportEntryFault(context, yaml, fault);
    checkExpressions(context, yaml, model);
    checkPaths(context, yaml as Json & object, sink);
  }
  return models;
}

/** The connection as YAML has it, secrets wrapped as the sink's schema marks them. */
function settingsOf(yaml: object, sink: SinkDescriptor): Settings {
  const copy = structuredCopy(yaml as { readonly [key: string]: Json });
  visitLeaves(connectionSchema(sink), copy as Json, (leaf) => {
    if (leaf.secret && typeof leaf.value === "string") Reflect.set(leaf.holder, leaf.name, new Secret(leaf.value));
  });
  return copy as { readonly [key: string]: Setting };
}

function structuredCopy(value: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return structuredClone(value);
}

/** Files a sink writes stay in the config's folder; URLs with another scheme than `sqlite:` are no files. */
function checkPaths(context: CompileContext, yaml: Json & object, sink: SinkDescriptor): void {
  visitLeaves(connectionSchema(sink), yaml, (leaf) => {
    if (!leaf.path || typeof leaf.value !== "string" || leaf.value === "") return;
    const path = leaf.value.replace(/^sqlite:/, "");
    if (/^[a-z][a-z0-9+]*:/.test(path) || path === ":memory:" || staysInside(path)) return;
    context.reporter.report("HK1006", context.positions.value(leaf.holder, leaf.name), { path });
  });
}

function checkExpressions(context: CompileContext, yaml: object, connection: ConnectionModel): void {
  for (const { path, source } of connection.sink.expressions?.(connection.settings) ?? []) {
    const compiled = compileExpression(source, { variables: SETTING_VARIABLES, missingPolicy: false });
    const mark = markAt(context.positions, yaml, path);
    for (const fault of compiled.ok ? compiled.warnings : compiled.faults) {
      // Templates hold several expressions in one text: then the whole of it is marked.
      const within = mark.scalar?.value === source ? markWithin(mark, fault.offset, fault.length) : mark;
      context.reporter.message(fault.code, within, fault.message, { severity: fault.severity, hint: fault.hint });
    }
  }
}

/** Sinks read their scope as paths, not as variables. */
const SETTING_VARIABLES: readonly string[] = [];

/** Puts a fault of the delivery room in its place. */
export function reportEntryFault(context: CompileContext, holder: object, fault: EntryFault): void {
  const mark = markAt(context.positions, holder, fault.path);
  if (fault.expression !== undefined) context.reporter.expression(fault.expression, mark);
  else
    context.reporter.message(fault.code, mark, fault.message, {
      severity: fault.severity,
      expected: fault.expected,
      hint: fault.hint,
    });
}
