/** Compiles one entry of `deliver:` against the connection, action, entities and attributes it names. */
import type { EntityModel } from "../core/entity.ts";
import { errorMessage } from "../core/errors.ts";
import type { Expression } from "../core/expression.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Json, SourcePosition } from "../core/types.ts";
import type { ActionDescriptor } from "../plugin/index.ts";
import { checkCapability } from "./capability.ts";
import { type DeliverEntry, deliverCommon } from "./deliver.schema.ts";
import type { CompileExpression, ConnectionModel, DeliverModel, EntryFault } from "./model.ts";
import { checkParams } from "./params.ts";

/** What an entry is compiled against. */
export interface DeliverDeps {
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  readonly entities: ReadonlyMap<string, EntityModel>;
  /** The entities that the entry is about when it names none: those that the pipeline writes. */
  readonly touched: readonly string[];
  readonly compile: CompileExpression;
  readonly position: SourcePosition;
}

/** The model, when the connection and action exist; and all faults. */
export interface CompiledDeliver {
  readonly model?: DeliverModel;
  readonly faults: readonly EntryFault[];
}

/** The actions a connection offers: its sink's, or those its settings name. */
export function actionsOf(connection: ConnectionModel): Readonly<Record<string, ActionDescriptor>> {
  return connection.sink.actionsOf?.(connection.settings) ?? connection.sink.actions;
}

function defaultActionOf(
  { sink, settings }: ConnectionModel,
  offered: Readonly<Record<string, ActionDescriptor>>,
): string {
  const own = settings["default_action"];
  if (typeof own === "string") return own;
  return offered[sink.defaultAction] === undefined
    ? (Object.keys(offered)[0] ?? sink.defaultAction)
    : sink.defaultAction;
}

/** Compiles one entry that its schema has accepted. */
export function compileDeliver(entry: DeliverEntry, deps: DeliverDeps): CompiledDeliver {
  const faults = createFaults();
  const connection = deps.connections.get(entry.to);
  if (connection === undefined) {
    faults.add("HK5201", ["to"], { name: entry.to }, didYouMean(entry.to, deps.connections.keys()));
    return { faults: faults.list };
  }
  const offered = actionsOf(connection);
  const action = entry.action ?? defaultActionOf(connection, offered);
  const descriptor = offered[action] ?? offered["*"];
  if (descriptor === undefined) {
    const names = Object.keys(offered);
    const hint = didYouMean(action, names) ?? `one of ${names.join(", ")}`;
    faults.add("HK5203", ["action"], { sink: connection.sink.name, action }, hint);
    return { faults: faults.list };
  }
  checkNames(entry, deps, faults);
  if (descriptor.kind === "upsert") checkUpsert(entry, action, faults);
  const params = readParams(entry, deps.compile, faults);
  const given = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, constantOf(value)]));
  for (const fault of checkParams({ sink: connection.sink.name, action, descriptor, given })) faults.list.push(fault);
  const about = (entry.entity === undefined ? deps.touched : [entry.entity]).flatMap(
    (name) => deps.entities.get(name) ?? [],
  );
  faults.list.push(...checkCapability({ entry, action, descriptor, connection, entities: about }));
  return { model: modelOf({ entry, action, descriptor, params, deps, faults }), faults: faults.list };
}

interface ModelParts {
  readonly entry: DeliverEntry;
  readonly action: string;
  readonly descriptor: ActionDescriptor;
  readonly params: Readonly<Record<string, Json | Expression>>;
  readonly deps: DeliverDeps;
  readonly faults: Faults;
}

function modelOf({ entry, action, descriptor, params, deps, faults }: ModelParts): DeliverModel {
  const expression = (source: string | undefined, path: readonly (string | number)[]) =>
    source === undefined ? undefined : compiled(source, path, deps.compile, faults);
  const when = expression(entry.when, ["when"]);
  const notAfter = expression(entry.not_after, ["not_after"]);
  const paths = entry.once === true ? [] : entry.once;
  const once = paths?.flatMap((source, index) => expression(source, ["once", index]) ?? []);
  const onEnter = listOf(entry.on_enter);
  const from = listOf(entry.from);
  const id = [
    entry.to,
    action,
    entry.entity ?? "*",
    entry.event,
    entry.name === undefined ? undefined : `#${entry.name}`,
  ];
  return {
    id: id.filter((part) => part !== undefined).join("/"),
    connection: entry.to,
    action,
    kind: descriptor.kind,
    ...(entry.entity === undefined ? {} : { entity: entry.entity }),
    ...(entry.event === undefined ? {} : { event: entry.event }),
    ...(entry.on_change === undefined ? {} : { onChange: entry.on_change }),
    ...(onEnter === undefined ? {} : { onEnter }),
    ...(from === undefined ? {} : { from }),
    ...(once === undefined ? {} : { once }),
    ...(when === undefined ? {} : { when }),
    ...(notAfter === undefined ? {} : { notAfter }),
    params,
    ...(entry.fields === undefined ? {} : { fields: entry.fields }),
    position: deps.position,
  };
}

/** Entries of one event that would share an idempotency key. Called with a rule's entries and the pipeline's. */
export function duplicateEntries(
  entries: readonly DeliverModel[],
): readonly { readonly index: number; readonly fault: EntryFault }[] {
  const seen = new Set<string>();
  return entries.flatMap(({ id }, index) => {
    const fault: EntryFault = {
      code: "HK5207",
      severity: "error",
      path: ["to"],
      message: errorMessage("HK5207", { id }),
    };
    const repeated = seen.has(id);
    seen.add(id);
    return repeated ? [{ index, fault }] : [];
  });
}

function checkNames(entry: DeliverEntry, deps: DeliverDeps, faults: Faults): void {
  if (entry.entity !== undefined && !deps.entities.has(entry.entity)) {
    const hint = didYouMean(entry.entity, deps.entities.keys());
    faults.add("HK5209", ["entity"], { what: "entity", name: entry.entity, where: "" }, hint);
    return;
  }
  const entity = entry.entity === undefined ? undefined : deps.entities.get(entry.entity);
  const models = entity === undefined ? [...deps.entities.values()] : [entity];
  const where = entity === undefined ? "" : ` for \`${entity.name}\``;
  const known = new Set(models.flatMap((model) => [...model.attributes.keys()]));
  const states = new Set(models.flatMap((model) => model.states));
  const check = (what: string, allowed: ReadonlySet<string>, key: string, names: readonly string[]) =>
    names.forEach((name, index) => {
      if (!allowed.has(name)) faults.add("HK5209", [key, index], { what, name, where }, didYouMean(name, allowed));
    });
  check("attribute", known, "on_change", entry.on_change ?? []);
  check("attribute", known, "fields", entry.fields ?? []);
  check("state", states, "on_enter", listOf(entry.on_enter) ?? []);
  check("state", new Set([...states, "unknown"]), "from", listOf(entry.from) ?? []);
  if (entry.from !== undefined && entry.on_enter === undefined) faults.add("HK5212", ["from"], {});
}

function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === "string" ? [value] : value;
}

/** An upsert converges by itself: it has no event name, and `once` would freeze its first values. */
function checkUpsert(entry: DeliverEntry, action: string, faults: Faults): void {
  for (const field of ["event", "once"] as const) {
    if (entry[field] !== undefined) faults.add("HK5210", [field], { field, kind: "the upsert", action });
  }
}

function readParams(
  entry: DeliverEntry,
  compile: CompileExpression,
  faults: Faults,
): Record<string, Json | Expression> {
  const params: Record<string, Json | Expression> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (name in deliverCommon || name.startsWith("x-")) continue;
    const source = sourceOf(value);
    if (source === undefined) params[name] = value as Json;
    else {
      const expression = compiled(source, [name, "from"], compile, faults);
      if (expression !== undefined) params[name] = expression;
    }
  }
  return params;
}

/** The text of `{ from: EXPRESSION }`. */
function sourceOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("from" in value)) return undefined;
  return Object.keys(value).length === 1 && typeof value.from === "string" ? value.from : undefined;
}

/** The constant itself; an expression's value is not known yet. */
function constantOf(value: Json | Expression): Json | undefined {
  return isExpression(value) ? undefined : value;
}

/** Tells a compiled expression from a constant among `params`. */
export function isExpression(value: Json | Expression): value is Expression {
  return typeof value === "object" && value !== null && "inputs" in value && "fast" in value;
}

function compiled(
  source: string,
  path: readonly (string | number)[],
  compile: CompileExpression,
  faults: Faults,
): Expression | undefined {
  const result = compile(source, path);
  if (result.ok) return result.expression;
  for (const expression of result.faults) {
    const { code, severity, message, hint } = expression;
    faults.list.push({ code, severity, path, message, expression, ...(hint === undefined ? {} : { hint }) });
  }
  return undefined;
}

interface Faults {
  readonly list: EntryFault[];
  add(
    code: EntryFault["code"],
    path: readonly (string | number)[],
    data: Readonly<Record<string, string>>,
    hint?: string,
  ): void;
}

function createFaults(): Faults {
  const list: EntryFault[] = [];
  return {
    list,
    add(code, path, data, hint) {
      list.push({
        code,
        severity: "error",
        path,
        message: errorMessage(code, data),
        ...(hint === undefined ? {} : { hint }),
      });
    },
  };
}
