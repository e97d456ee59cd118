/**
 * One event through one pipeline's rules: the rule that is used, its `let:` names, and what each row says. Knows no
 * state and no store, and gives the same answer each time for one event and revision.
 */

import type { EntityModel } from "../core/entity.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { Evaluator, Expression, ExpressionAnswer, Scope } from "../core/expression.ts";
import type { Json, MaybePromise } from "../core/types.ts";
import type { Times } from "../core/values.ts";
import { readItems } from "./each.ts";
import { matchesType } from "./event-type.ts";
import { type Fetched, requestOf, withFetched } from "./fetch.ts";
import type {
  EntityWriteModel,
  Mapped,
  MappedItem,
  MappedRow,
  MappedWrite,
  MappingNote,
  OwnVersion,
  Row,
  RuleModel,
} from "./model.ts";
import { readOwnVersion } from "./own-version.ts";
import { missingReadings } from "./policy.ts";
import { decideRow, rowExpressions } from "./rows.ts";
import { decideWhen } from "./when.ts";

export interface MapRequest {
  readonly rules: readonly RuleModel[];
  /** The event's type. */
  readonly type: string;
  /** The payload below the source's root; `variables` holds `event`, the whole body. */
  readonly scope: Scope;
  readonly times: Times;
  readonly entities: ReadonlyMap<string, EntityModel>;
  readonly evaluator: Evaluator;
  /** What was fetched for the event already. */
  readonly fetched?: Fetched;
}

type Dead = Extract<Mapped, { kind: "dead" }>;

/** Maps one event. Answers at once where all its expressions are compiled. */
export function mapEvent(request: MapRequest): MaybePromise<Mapped> {
  const candidates = request.rules.filter((rule) => rule.on.some((pattern) => matchesType(pattern, request.type)));
  if (candidates.length === 0) return { kind: "skipped", reason: "no_rule" };
  return chooseRule(request, candidates, 0);
}

function chooseRule(request: MapRequest, rules: readonly RuleModel[], index: number): MaybePromise<Mapped> {
  const rule = rules[index];
  if (rule === undefined) {
    const [only] = rules;
    return {
      kind: "skipped",
      reason: "not_selected",
      ...(rules.length === 1 && only !== undefined ? { rule: only } : {}),
    };
  }
  if (rule.when === undefined) return fetchFirst(request, rule);
  return then(request.evaluator.answer([rule.when], request.scope), ([answer]) => {
    const selected = decideWhen(rule, answer);
    if (typeof selected !== "boolean") return selected;
    return selected ? fetchFirst(request, rule) : chooseRule(request, rules, index + 1);
  });
}

/** An answer to another GET, of an earlier revision, says nothing here. */
function fetchFirst(request: MapRequest, rule: RuleModel): MaybePromise<Mapped> {
  const { fetch } = rule;
  if (fetch === undefined) return applyRule(request, rule);
  return requestOf(rule, fetch, request).then((wanted) => {
    if (typeof wanted !== "string") return wanted;
    const { fetched } = request;
    if (fetched?.request !== wanted) return { kind: "fetch", rule, fetch, request: wanted };
    const seen = { ...request, scope: withFetched(request.scope, fetch, fetched.value) };
    if (fetch.when === undefined) return applyRule(seen, rule);
    return then(request.evaluator.answer([fetch.when], seen.scope), ([answer]) => {
      const selected = decideWhen(rule, answer);
      if (typeof selected !== "boolean") return selected;
      return selected ? applyRule(seen, rule) : { kind: "skipped", reason: "not_selected", rule };
    });
  });
}

function dead(
  code: ErrorCode,
  data: Readonly<Record<string, string | number>>,
  where: { rule: RuleModel; row?: Row },
): Dead {
  return { kind: "dead", code, message: errorMessage(code, data), ...where };
}

/** Carries on at once where it can: most events never wait. */
function then<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

function applyRule(request: MapRequest, rule: RuleModel): MaybePromise<Mapped> {
  const { each } = rule;
  if (each === undefined) return applyOnce(request, rule);
  return then(request.evaluator.answer([each.list, ...each.whole], request.scope), (answers) => {
    const items = readItems(rule, answers);
    return "kind" in items ? items : applyEach(request, rule, items.items);
  });
}

/** One item after the other, each in a scope of its own; the first that is dead ends the event. */
function applyEach(request: MapRequest, rule: RuleModel, items: readonly Json[]): MaybePromise<Mapped> {
  const done: MappedItem[] = [];
  const writes: MappedWrite[] = [];
  const notes: MappingNote[] = [];
  const next = (): MaybePromise<Mapped> => {
    const index = done.length;
    const item = items[index];
    if (item === undefined) return { kind: "mapped", rule, lets: {}, items: done, writes, notes };
    const scope: Scope = { ...request.scope, variables: { ...request.scope.variables, item } };
    return then(applyOnce({ ...request, scope }, rule), (mapped) => {
      if (mapped.kind === "dead") return { ...mapped, message: `item ${index + 1} of each: ${mapped.message}` };
      if (mapped.kind !== "mapped") return mapped;
      done.push({ item, lets: mapped.lets });
      for (const write of mapped.writes) writes.push({ ...write, item: index });
      notes.push(...mapped.notes);
      return next();
    });
  };
  return next();
}

function applyOnce(request: MapRequest, rule: RuleModel): MaybePromise<Mapped> {
  return then(bindLets(request, rule), (bound) => {
    if ("kind" in bound) return bound;
    const scope: Scope = { ...request.scope, variables: { ...request.scope.variables, ...bound.lets } };
    const rows = rule.writes.flatMap(rowsOf);
    const by = rule.order?.kind === "by" ? [rule.order.expression] : [];
    const expressions = [...rows.flatMap(rowExpressions), ...by];
    return then(request.evaluator.answer(expressions, scope), (answers) => {
      const version = by.length === 0 ? undefined : readOwnVersion(rule, answers.at(-1));
      if (version !== undefined && "kind" in version) return version;
      const byExpression = new Map<Expression, ExpressionAnswer>();
      for (const [i, answer] of answers.entries()) byExpression.set(expressions[i] as Expression, answer);
      return decideWrites({ request, rule, lets: bound.lets, answers: byExpression, ...(version && { by: version }) });
    });
  });
}

type Lets = Readonly<Record<string, Json | undefined>>;

/**
 * `let:` names in order. A name whose inputs are missing is itself missing, whatever its expression makes of them:
 * else `let: { premium: plan = "x" }` would be false on a partial payload, and `$premium` would be there.
 */
function bindLets(request: MapRequest, rule: RuleModel): MaybePromise<{ readonly lets: Lets } | Dead> {
  const bind = (index: number, lets: Lets): MaybePromise<{ readonly lets: Lets } | Dead> => {
    const entry = rule.lets[index];
    if (entry === undefined) return { lets };
    const scope: Scope = { ...request.scope, variables: { ...request.scope.variables, ...lets } };
    return then(request.evaluator.answer([entry.expression], scope), ([answer]) => {
      const value = letValue(answer);
      if (!value.ok) {
        const of = entry.fragment === undefined ? "" : ` of fragment ${entry.fragment}`;
        return { kind: "dead", code: value.code, message: `let ${entry.name}${of}: ${value.message}`, rule };
      }
      return bind(index + 1, { ...lets, [entry.name]: value.value });
    });
  };
  return bind(0, {});
}

/** A name whose inputs are missing is itself missing, whatever its expression makes of them. */
export function letValue(answer: ExpressionAnswer | undefined): ExpressionAnswer["result"] {
  const missing = missingReadings(answer?.readings ?? []);
  if (missing.length > 0)
    return { ok: true, value: missing.every((reading) => reading.presence === "null") ? null : undefined };
  return answer?.result ?? { ok: true, value: undefined };
}

function rowsOf(write: EntityWriteModel): readonly Row[] {
  return [
    ...(write.key.kind === "id" ? [write.key.row] : []),
    ...write.links,
    ...(write.state === undefined ? [] : [write.state]),
    ...write.fields,
  ];
}

interface Deciding {
  readonly request: MapRequest;
  readonly rule: RuleModel;
  readonly lets: Lets;
  readonly by?: OwnVersion;
  readonly answers: ReadonlyMap<Expression, ExpressionAnswer>;
}

function decideWrites(deciding: Deciding): Mapped {
  const notes: MappingNote[] = [];
  const writes: MappedWrite[] = [];
  for (const model of deciding.rule.writes) {
    const write = decideWrite(model, deciding, notes);
    if ("kind" in write) return write;
    writes.push(deciding.by === undefined ? write : { ...write, by: deciding.by });
  }
  return { kind: "mapped", rule: deciding.rule, lets: deciding.lets, writes, notes };
}

function decideWrite(model: EntityWriteModel, deciding: Deciding, notes: MappingNote[]): MappedWrite | Dead {
  const key = decideKey(model, deciding);
  if (key.kind === "dead") return key;
  const links: Record<string, string> = {};
  for (const row of model.links) {
    const text = decideText(row, deciding);
    if (typeof text === "object") return text;
    if (text !== undefined) links[row.name] = text;
  }
  const state = decideState(model, deciding);
  if (typeof state === "object") return state;
  const fields: MappedRow[] = [];
  for (const row of model.fields) {
    const field = decideField(row, model, deciding);
    if ("kind" in field) return field;
    fields.push(field.mapped);
    if (field.note !== undefined) notes.push(field.note);
  }
  return { model, key, links, ...(state === undefined ? {} : { state }), fields };
}

function decideKey(model: EntityWriteModel, deciding: Deciding): MappedWrite["key"] | Dead {
  if (model.key.kind === "parent_of") return { kind: "parent_of", childType: model.key.childType };
  const { idName, row } = model.key;
  const text = decideText(row, deciding);
  if (typeof text === "object") return text;
  // No policy can do without a key.
  if (text === undefined)
    return dead(
      "HK2020",
      { name: `${model.entity}.${row.name}`, missing: "there is no key" },
      { rule: deciding.rule, row },
    );
  return { kind: "id", idName, value: text };
}

/** A key, link or state: text, or undefined where its row keeps. */
function decideText(row: Row, deciding: Deciding): string | undefined | Dead {
  const outcome = decideRow(row, answersFor(row, deciding), { times: deciding.request.times });
  if (outcome.kind === "dead") return { ...outcome, rule: deciding.rule, row };
  const { result } = outcome.mapped;
  return (result.kind === "set" || result.kind === "initial") && typeof result.value === "string"
    ? result.value
    : undefined;
}

function answersFor(row: Row, deciding: Deciding): readonly ExpressionAnswer[] {
  return rowExpressions(row).flatMap((expression) => deciding.answers.get(expression) ?? []);
}

function decideState(model: EntityWriteModel, deciding: Deciding): string | undefined | Dead {
  if (model.state === undefined) return undefined;
  const state = decideText(model.state, deciding);
  if (typeof state !== "string") return state;
  const states = deciding.request.entities.get(model.entity)?.states ?? [];
  if (states.includes(state)) return state;
  return dead(
    "HK2023",
    { state: state.slice(0, 60), entity: model.entity, states: states.join(", ") },
    { rule: deciding.rule, row: model.state },
  );
}

function decideField(
  row: Row,
  model: EntityWriteModel,
  deciding: Deciding,
): { readonly mapped: MappedRow; readonly note?: MappingNote } | Dead {
  const attribute = deciding.request.entities.get(model.entity)?.attributes.get(row.name);
  const outcome = decideRow(row, answersFor(row, deciding), {
    times: deciding.request.times,
    ...(attribute === undefined ? {} : { attribute }),
  });
  if (outcome.kind === "dead") return { ...outcome, rule: deciding.rule, row };
  if (outcome.note === undefined) return { mapped: outcome.mapped };
  return { mapped: outcome.mapped, note: { ...outcome.note, entity: model.entity, attribute: row.name } };
}
