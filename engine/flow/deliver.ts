/**
 * The third spine: one attempt of one delivery. freeze -> mark durably -> send -> settle. A crash anywhere leaves a
 * delivery that is either not sent, or marked as perhaps sent; never one that was sent and is not known to be.
 */
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { placeOf } from "../core/place.ts";
import type { TracedAttempt } from "../core/trace.ts";
import { sameJson } from "../core/values.ts";
import { guaranteeOf } from "../delivery/guarantee.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { FrozenRequest, OpenSink, Outcome } from "../plugin/index.ts";
import type { AttemptMark, DeliveryRecord, DeliverySettlement, Store } from "../store/store.ts";
import { acknowledgedState } from "./born-upsert.ts";
import type { Observer } from "./observer.ts";
import { overtaken } from "./overtaken.ts";
import { freeze, sendContext, withinTimeout } from "./sending.ts";
import { POSSIBLY_DUPLICATE, settlementOf, unsendable, unsure } from "./settle.ts";

export interface DeliverDeps {
  readonly store: Store;
  readonly connection: ConnectionModel;
  readonly sink: OpenSink;
  readonly clock: Clock;
  readonly ids: Ids;
  /** In [0, 1): the jitter of retries. */
  readonly random: () => number;
  readonly observer: Observer;
  /** The trace that an attempt stands in; absent, or nothing given: the sink is told of none. */
  readonly traceparent?: ((attempt: TracedAttempt) => string | undefined) | undefined;
}

/** What the loop needs to know: whether the connection answered well, and whether it must be paused. */
export interface Attempted {
  readonly outcome: Outcome["kind"] | "superseded";
  readonly throttledUntil?: number;
}

/** A delivery whose request stands: nothing is marked or sent yet. */
export interface Ready {
  /** What is sent of it. */
  readonly record: DeliveryRecord;
  readonly frozen: FrozenRequest;
  readonly startedAt: number;
  /** Given with the first attempt: what the store is to keep. */
  readonly first: { readonly frozen?: FrozenRequest };
  /** Another one than is stored, under another key: that is kept before it is sent, whatever the sink. */
  readonly remade?: NonNullable<AttemptMark["remade"]>;
}

/** Makes one attempt and settles it. Throws only when the store does. */
export async function attemptDelivery(record: DeliveryRecord, deps: DeliverDeps): Promise<Attempted> {
  const ready = await prepareAttempt(record, deps);
  if ("outcome" in ready) return ready;
  if (!(await markReady(ready, deps))) return { outcome: "superseded" };
  const outcome = await send(ready, deps);
  const attempted = await settleReady(ready, outcome, deps);
  if (outcome.kind === "pause") await pauseConnection(record.connection, outcome, deps);
  return attempted;
}

/** All that comes before the mark. What is not to be sent is settled here. */
export async function prepareAttempt(record: DeliveryRecord, deps: DeliverDeps): Promise<Ready | Attempted> {
  const now = deps.clock.now();
  if (record.notAfter !== undefined && now > record.notAfter) {
    // Where attempts leave no mark nobody knows whether it was sent: what was acknowledged before is no measure.
    return supersede(record, deps, "`not_after` has passed", unsure(record));
  }
  const guarantee = guaranteeOf(deps.connection, record.action);
  const stopped = unsendable(record, { guarantee, now, deadId: () => deps.ids.deadLetter() });
  if (stopped !== undefined) return park(record, stopped, deps);
  const redone = await overtaken(record, deps.store);
  if (redone.kind === "superseded") return supersede(record, deps, redone.note);
  const isFresh = redone.kind === "same" && record.frozen === undefined;
  const current = isFresh ? await withoutAcknowledged(record, deps.store) : redone.record;
  if (current === undefined) return supersede(record, deps, "the connection has these values already");
  const frozen = await freeze(current, deps);
  if (frozen instanceof HookrailError) {
    return settle(
      current,
      { kind: "rejected", detail: frozen.message },
      { attempt: { startedAt: now, fault: frozen }, deps },
    );
  }
  return {
    record: current,
    frozen,
    startedAt: now,
    first: current.frozen === undefined ? { frozen } : {},
    ...(redone.kind === "remade" ? { remade: changedParts(current) } : {}),
  };
}

/** Marks the attempt durably, where the sink needs it. False: it is not to be sent any more. */
export async function markReady(ready: Ready, deps: DeliverDeps): Promise<boolean> {
  const { record, startedAt, first, remade } = ready;
  if (!deps.connection.sink.marksAttempts && remade === undefined) return true;
  const changed = remade === undefined ? {} : { remade };
  return mark({ delivery: record.id, attempt: record.attempts + 1, at: startedAt, ...first, ...changed }, deps.store);
}

/** Settles an attempt that was made. */
export async function settleReady(ready: Ready, outcome: Outcome, deps: DeliverDeps): Promise<Attempted> {
  return settle(ready.record, outcome, { attempt: { startedAt: ready.startedAt, ...ready.first }, deps });
}

function changedParts(record: DeliveryRecord): NonNullable<AttemptMark["remade"]> {
  const { attributes, state, entityVersion, idempotencyKey } = record;
  return { attributes, ...(state === undefined ? {} : { state }), entityVersion, idempotencyKey };
}

/** False: a newer upsert has taken the delivery over since it was found due; it carries these values too. */
async function mark(attempt: AttemptMark, store: Store): Promise<boolean> {
  try {
    await store.markAttempt(attempt);
    return true;
  } catch (error) {
    if (error instanceof HookrailError && error.code === "HK4013" && error.data["from"] === "merged") return false;
    throw error;
  }
}

/** Between birth and first attempt another delivery may have said the same: then there is nothing to send. */
async function withoutAcknowledged(record: DeliveryRecord, store: Store): Promise<DeliveryRecord | undefined> {
  if (record.kind !== "upsert") return record;
  const known = await store.acknowledged(record.connection, record.entity, placeOf(record));
  const entries = Object.entries(record.attributes);
  const fresh = entries.filter(([name, write]) => {
    const value = "set" in write ? write.set : null;
    return !sameJson(value, known[name]);
  });
  if (fresh.length === entries.length) return record;
  if (fresh.length === 0 && (record.state ?? null) === (known[acknowledgedState] ?? record.state ?? null))
    return undefined;
  return { ...record, attributes: Object.fromEntries(fresh) };
}

async function send({ record, frozen, startedAt }: Ready, deps: DeliverDeps): Promise<Outcome> {
  const outcome = await withinTimeout(record.connection, deps, (signal) =>
    deps.sink.send(frozen, sendContext({ record, startedAt }, signal, deps)),
  );
  return outcome ?? { kind: "unknown", detail: "the sink failed while sending" };
}

interface Attempt {
  readonly startedAt: number;
  readonly frozen?: FrozenRequest;
  readonly fault?: HookrailError;
}

async function settle(
  record: DeliveryRecord,
  outcome: Outcome,
  { attempt, deps }: { readonly attempt: Attempt; readonly deps: DeliverDeps },
): Promise<Attempted> {
  const now = deps.clock.now();
  const settlement = settlementOf(record, outcome, {
    connection: deps.connection,
    guarantee: guaranteeOf(deps.connection, record.action),
    now,
    random: deps.random(),
    deadId: () => deps.ids.deadLetter(),
    ...attempt,
  });
  await deps.store.settleDelivery(settlement);
  deps.observer.attempted({
    delivery: record.id,
    event: record.event.id,
    pipeline: record.pipeline,
    connection: record.connection,
    action: record.action,
    source: record.event.source,
    type: record.event.type,
    entity: record.entity,
    attempt: record.attempts + 1,
    outcome: settlement.status,
    ...("status" in outcome && outcome.status !== undefined ? { httpStatus: outcome.status } : {}),
    detail: outcome.detail ?? "",
    lagMs: now - record.event.receivedAt,
    ...(settlement.nextAt === undefined ? {} : { nextAt: settlement.nextAt }),
    ...(outcome.kind === "unknown" ? { unanswered: true } : {}),
    ...(settlement.note === POSSIBLY_DUPLICATE ? { possiblyDuplicate: true } : {}),
    sent: {
      startedAt: attempt.startedAt,
      tookMs: now - attempt.startedAt,
      receivedAt: record.event.receivedAt,
      ...(record.event.traceparent === undefined ? {} : { traceparent: record.event.traceparent }),
    },
  });
  // Others wait as long as the sink asked, or the shortest retry: not as long as this delivery, which may have failed often.
  const throttled = outcome.kind === "retry" && outcome.throttled === true;
  return {
    outcome: outcome.kind,
    ...(throttled ? { throttledUntil: now + (outcome.afterMs ?? record.retry.baseMs) } : {}),
  };
}

async function supersede(
  record: DeliveryRecord,
  deps: DeliverDeps,
  note: string,
  doubt: Pick<DeliverySettlement, "forgotten"> = {},
): Promise<Attempted> {
  await deps.store.settleDelivery({ delivery: record.id, status: "superseded", note, ...doubt });
  return { outcome: "superseded" };
}

/** Nothing is sent: a person decides. */
async function park(record: DeliveryRecord, settlement: DeliverySettlement, deps: DeliverDeps): Promise<Attempted> {
  await deps.store.settleDelivery(settlement);
  deps.observer.attempted({
    delivery: record.id,
    event: record.event.id,
    pipeline: record.pipeline,
    connection: record.connection,
    action: record.action,
    source: record.event.source,
    type: record.event.type,
    entity: record.entity,
    attempt: record.attempts,
    outcome: "dead",
    detail: settlement.dead?.message ?? "",
    lagMs: deps.clock.now() - record.event.receivedAt,
  });
  return { outcome: "superseded" };
}

/** The connection is at fault: it waits for a person. */
export async function pauseConnection(
  connection: string,
  outcome: Extract<Outcome, { kind: "pause" }>,
  deps: Pick<DeliverDeps, "clock" | "observer"> & { readonly store: Pick<Store, "setPause"> },
): Promise<void> {
  const at = deps.clock.now();
  const reason = `answered ${outcome.status ?? ""}: ${outcome.detail}`;
  await deps.store.setPause(
    { kind: "connection", name: connection, since: at, by: "engine", reason },
    { at, actor: "engine", action: "pause", target: `connection ${connection}`, reason },
  );
  deps.observer.connectionPaused({ connection, detail: reason });
}
