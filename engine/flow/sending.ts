/** The two calls of a sink within one attempt: the request is made once and frozen, then sent within the connection's timeout. */
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import type { TracedAttempt } from "../core/trace.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { FrozenRequest, OpenSink, SendContext, SinkDelivery } from "../plugin/index.ts";
import type { DeliveryRecord } from "../store/store.ts";
import type { Observer } from "./observer.ts";

/** The request as it will be repeated: made once, or why it can not be made. */
export async function freeze(
  record: DeliveryRecord,
  deps: { readonly sink: OpenSink; readonly observer: Observer },
): Promise<FrozenRequest | HookrailError> {
  if (record.frozen !== undefined) return record.frozen;
  try {
    return await deps.sink.prepare(toSinkDelivery(record));
  } catch (error) {
    if (error instanceof HookrailError) return error;
    deps.observer.fault({ where: `prepare of ${record.connection}`, error });
    return new HookrailError("HK9002", { where: `the sink of ${record.connection}` }, { cause: error });
  }
}

function toSinkDelivery(record: DeliveryRecord): SinkDelivery {
  return {
    id: record.id,
    idempotencyKey: record.idempotencyKey,
    action: record.action,
    kind: record.kind,
    entity: { ...record.entity, ids: record.ids, ...(record.state === undefined ? {} : { state: record.state }) },
    attributes: record.attributes,
    entityVersion: record.entityVersion,
    eventName: record.eventName,
    params: record.params,
    event: record.event,
    pipeline: record.pipeline,
  };
}

/** What the sink is told of an attempt. */
export function sendContext(
  { record, startedAt }: { readonly record: DeliveryRecord; readonly startedAt: number },
  signal: AbortSignal,
  deps: { readonly traceparent?: ((attempt: TracedAttempt) => string | undefined) | undefined },
): SendContext {
  const { idempotencyKey, entityVersion, event } = record;
  const attempt = record.attempts + 1;
  const { receivedAt } = event;
  const traced = { event: event.id, delivery: record.id, attempt, receivedAt, startedAt };
  const traceparent = deps.traceparent?.({ ...traced, traceparent: event.traceparent });
  return {
    attempt,
    idempotencyKey,
    signal,
    entityVersion,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** By the plugin contract a throw means that nobody knows whether it was applied: `undefined`. */
export async function withinTimeout<T>(
  connection: string,
  deps: { readonly clock: Clock; readonly connection: ConnectionModel; readonly observer: Observer },
  sending: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const deadline = new AbortController();
  const cancel = deps.clock.after(deps.connection.timeoutMs, () => deadline.abort(new Error("timed out")));
  try {
    return await sending(deadline.signal);
  } catch (error) {
    deps.observer.fault({ where: `send of ${connection}`, error });
    return undefined;
  } finally {
    cancel();
  }
}
