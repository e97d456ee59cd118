/**
 * The second spine: one event's turn in one pipeline. contract -> rule -> map -> keys -> gates -> entities, history
 * and deliveries, committed as one. It may be repeated at any point: nothing counts before the commit.
 */
import { formatDuration } from "../core/duration.ts";
import { errorMessage } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import type { EntityRef, Json, JsonObject } from "../core/types.ts";
import type { RuleModel } from "../mapping/model.ts";
import { missingReadings } from "../mapping/policy.ts";
import { decide } from "../ordering/decide.ts";
import type { Decision } from "../ordering/step.ts";
import type { ApplyCommit, AuditRow, Store, WorkItem } from "../store/store.ts";
import { type Born, deliveriesFor } from "./born.ts";
import type { BornFault } from "./born-input.ts";
import { applyDetail, ruleName } from "./detail.ts";
import { type ApplyDeps, dead, type Prepared } from "./prepare.ts";
import { loadSnapshot, resolveWrites } from "./resolve.ts";
import { createScopes } from "./scopes.ts";
import { type DecidedOn, stepDetail } from "./step-detail.ts";
import { ownVersionOf, versionOf } from "./version.ts";

/** What became of it: the entities it changed wake what was held for them. */
export interface Applied {
  readonly status: ApplyCommit["outcome"]["status"];
  readonly changed: readonly (EntityRef & { readonly ids: Readonly<Record<string, string>> })[];
  readonly connections: readonly string[];
}

const maxConflicts = 20;

/** Gates and commits. The caller sees to it that events of one key come one after the other. */
export async function applyPrepared(item: WorkItem, prepared: Prepared, deps: ApplyDeps): Promise<Applied> {
  const begun = deps.clock.monotonic();
  for (let attempt = 1; ; attempt++) {
    const step = await takeStep(item, prepared, deps);
    if (step === undefined) return { status: "held", changed: [], connections: [] };
    const result = await deps.store.commitApply(step.commit);
    if (result.kind === "ok") return report(item, { ...step, prepared, begun }, deps);
    if (attempt >= maxConflicts) {
      const entity = result.entity === undefined ? "an entity" : `${result.entity.type}/${result.entity.key}`;
      const gone = await takeStep(item, dead("HK6006", { attempts: String(attempt), entity }), deps);
      if (gone === undefined) return { status: "held", changed: [], connections: [] };
      await deps.store.commitApply(gone.commit);
      return report(item, { ...gone, prepared, begun }, deps);
    }
  }
}

interface Step {
  readonly commit: ApplyCommit;
  readonly changed: Applied["changed"];
  /** What it writes to, or would. */
  readonly about: readonly EntityRef[];
}

type Outcome = ApplyCommit["outcome"];

const nothing = { entities: [], history: [], once: [], deliveries: [], merged: [] } as const;

/** `undefined`: still held, and nothing new to say. */
async function takeStep(item: WorkItem, prepared: Prepared, deps: ApplyDeps): Promise<Step | undefined> {
  const at = deps.clock.now();
  const base = {
    workSeq: item.seq,
    eventSeq: item.event.seq,
    pipeline: item.pipeline,
    revision: deps.routes.revision.hash,
    at,
  };
  let about: readonly EntityRef[] = [];
  const end = (outcome: Outcome): Step => ({ commit: { ...base, ...nothing, outcome }, changed: [], about });
  // Nothing is known of it yet: it waits for its GET (flow/fetch.ts).
  if (prepared.kind === "fetch") return undefined;
  if (prepared.kind === "dead") return end(deadOutcome(item, deps, prepared));
  if (prepared.kind === "skipped") {
    return end({
      status: "skipped",
      reason: prepared.reason,
      ...(prepared.rule === undefined ? {} : { rule: ruleName(prepared.rule) }),
    });
  }
  const { mapped, pipeline } = prepared;
  const rule = ruleName(mapped.rule);
  const { decision, ...on } = await decideItem(item, prepared, deps);
  const { writes } = on;
  const detailOf = (born?: Born) =>
    applyDetail(mapped, deps.routes.revision.entities, born, stepDetail(item, { prepared, ...on }));
  about = decision.kind === "hold" ? decision.waitsFor : writes.map(({ ref }) => ref);
  switch (decision.kind) {
    case "dead":
      return end(
        deadOutcome(item, deps, {
          code: decision.code,
          message: errorMessage(decision.code, decision.data),
          rule: mapped.rule,
          detail: detailOf(),
        }),
      );
    case "skip":
      return {
        commit: {
          ...base,
          ...nothing,
          entities: decision.writes,
          history: decision.history,
          outcome: {
            status: "skipped",
            reason: decision.reason,
            rule,
            detail: detailOf(),
            ...(decision.supersededBy === undefined ? {} : { supersededBy: decision.supersededBy }),
          },
        },
        changed: [],
        about,
      };
    case "hold":
      return holdStep(item, decision, { rule: mapped.rule, deps, end });
    case "apply": {
      const deliver = pipeline.deliver[mapped.rule.index] ?? [];
      const withheld = item.replay?.effects === false ? deliver.filter((entry) => entry.kind === "effect") : [];
      const born = await deliveriesFor({
        pipeline,
        deliver: deliver.filter((entry) => !withheld.includes(entry)),
        event: item.event,
        touched: decision.touched,
        scopeOf: createScopes(prepared, decision.touched, writes),
        evaluator: deps.evaluator,
        store: deps.store,
        retryPlan: (connection) => deps.retryPlan(pipeline, connection),
        marksAttempts: (name) => deps.routes.revision.connections.get(name)?.sink.marksAttempts ?? false,
        ids: deps.ids,
        now: at,
      });
      if (isFault(born)) return end(deadOutcome(item, deps, { ...born, rule: mapped.rule }));
      const notSent = withheld.map(({ id }) => ({ deliver: id, why: "a replay does not repeat effects" }));
      const told = { ...born, notSent: [...born.notSent, ...notSent] };
      return {
        commit: {
          ...base,
          outcome: { status: "applied", rule, detail: detailOf(told) },
          entities: decision.writes,
          history: decision.history,
          once: born.once,
          audit: forcedMoves(item, decision, { rule, at }),
          deliveries: born.deliveries,
          merged: born.merged,
        },
        changed: decision.writes.map(({ record }) => ({ type: record.type, key: record.key, ids: record.ids })),
        about,
      };
    }
  }
}

/** The author wrote that a move is forced when the window ends: allowed, and on record. A key may be personal: none is named. */
function forcedMoves(
  item: WorkItem,
  decision: Extract<Decision, { kind: "apply" }>,
  { rule, at }: { readonly rule: string; readonly at: number },
): AuditRow[] {
  return decision.history
    .filter((change) => change.note === "forced")
    .map(({ entity, before, after }) => ({
      at,
      actor: `pipeline ${item.pipeline}`,
      action: "force",
      target: item.event.id,
      reason: `${entity.type} from ${String(before)} to ${String(after)} after the hold window, by rule ${rule}`,
    }));
}

/** The decision on what is stored now; nothing is written. */
export async function decideItem(
  item: WorkItem,
  prepared: Extract<Prepared, { kind: "mapped" }>,
  deps: Pick<ApplyDeps, "routes" | "evaluator" | "clock"> & { readonly store: Pick<Store, "resolveId" | "snapshot"> },
): Promise<{ readonly decision: Decision } & Omit<DecidedOn, "prepared">> {
  const { mapped, pipeline } = prepared;
  const models = deps.routes.revision.entities;
  const { event } = item;
  // An object may be changed after its event came in: what it says is no time ahead until it was fetched.
  const knownAt = Math.max(event.receivedAt, prepared.fetchedAt ?? 0);
  const version = versionOf(event, mapped.rule, prepared.fetchedAt);
  const resolved = await resolveWrites(mapped.writes, models, deps.store, (write) =>
    ownVersionOf(event, mapped.rule, write),
  );
  if (resolved.kind === "unknown") {
    const name = `${resolved.waitsFor.type}/${resolved.waitsFor.key}`;
    const decision: Decision =
      resolved.policy === "reject"
        ? { kind: "dead", code: "HK6002", data: { entity: name } }
        : { kind: "hold", reason: `waits for ${name}, not seen yet`, waitsFor: [resolved.waitsFor] };
    return { decision, writes: [], entities: new Map(), version };
  }
  const snapshot = await loadSnapshot(resolved.writes, models, deps.store);
  const decision = await decide({
    models,
    version,
    receivedAt: knownAt,
    maxAheadMs: pipeline.source.maxAheadMs,
    pipeline: pipeline.name,
    lowers: mapped.rule.lowers,
    writes: resolved.writes,
    entities: snapshot.entities,
    children: snapshot.children,
    force: mapped.rule.hold.then === "force" && windowEnded(item, mapped.rule, deps.clock.now()),
    derive: (expression, attributes) => derive(deps.evaluator, expression, attributes, event.receivedAt),
    at: deps.clock.now(),
  });
  return { decision, writes: resolved.writes, entities: snapshot.entities, version };
}

/** A derived attribute keeps its value while one of its inputs is not known. */
async function derive(
  evaluator: Evaluator,
  expression: Parameters<Evaluator["evaluate"]>[0],
  attributes: Readonly<Record<string, Json>>,
  receivedAt: number,
): Promise<Json | undefined> {
  const [answer] = await evaluator.answer([expression], { input: attributes, variables: {}, receivedAt });
  if (answer === undefined || !answer.result.ok || missingReadings(answer.readings).length > 0) return undefined;
  return answer.result.value;
}

function windowEnded(item: WorkItem, rule: RuleModel, now: number): boolean {
  return item.heldSince !== undefined && now >= item.heldSince + rule.hold.windowMs;
}

function holdStep(
  item: WorkItem,
  decision: Extract<Decision, { kind: "hold" }>,
  context: { rule: RuleModel; deps: ApplyDeps; end: (outcome: Outcome) => Step },
): Step | undefined {
  const { rule, deps, end } = context;
  const now = deps.clock.now();
  if (windowEnded(item, rule, now)) {
    if (rule.hold.then === "skip") return end({ status: "skipped", reason: "hold_ended", rule: ruleName(rule) });
    const message = errorMessage("HK6004", { window: formatDuration(rule.hold.windowMs), reason: decision.reason });
    return end(deadOutcome(item, deps, { code: "HK6004", message, rule }));
  }
  if (item.status === "held" && item.holdReason === decision.reason) return undefined;
  return end({
    status: "held",
    reason: decision.reason,
    until: (item.heldSince ?? now) + rule.hold.windowMs,
    rule: ruleName(rule),
    waitsFor: decision.waitsFor,
  });
}

function deadOutcome(
  item: WorkItem,
  deps: ApplyDeps,
  fault: { code: string; message: string; rule?: RuleModel; detail?: JsonObject },
): Outcome {
  const { code, message, rule, detail } = fault;
  return {
    status: "dead",
    dead: { id: deps.ids.deadLetter(), pipeline: item.pipeline, code, message, createdAt: deps.clock.now() },
    ...(rule === undefined ? {} : { rule: ruleName(rule) }),
    ...(detail === undefined ? {} : { detail }),
  };
}

function isFault(born: Born | BornFault): born is BornFault {
  return "code" in born;
}

interface Reported extends Step {
  readonly prepared: Prepared;
  readonly begun: number;
}

function report(item: WorkItem, { prepared, begun, ...step }: Reported, deps: ApplyDeps): Applied {
  const { outcome, deliveries } = step.commit;
  const { traceparent } = item.event.headers;
  deps.observer.applied({
    event: item.event.id,
    source: item.event.source,
    type: item.event.type,
    pipeline: item.pipeline,
    status: outcome.status,
    ...("reason" in outcome ? { reason: outcome.reason } : {}),
    ...(outcome.status === "dead" ? { code: outcome.dead.code } : {}),
    deliveries: deliveries.length,
    lagMs: deps.clock.now() - item.event.receivedAt,
    entities: step.about,
    tookMs: deps.clock.monotonic() - begun,
    ...(prepared.kind === "mapped" && prepared.drift.length > 0 ? { drift: prepared.drift.length } : {}),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(item.replay === undefined ? {} : { generation: item.replay.generation }),
  });
  return {
    status: outcome.status,
    changed: step.changed,
    connections: [...new Set(deliveries.map((one) => one.connection))],
  };
}
