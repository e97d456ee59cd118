/** Which version an event has in one pipeline: by the source's clock, by receipt, or by what the payload itself says. */
import type { Version } from "../core/types.ts";
import type { MappedWrite, RuleModel } from "../mapping/model.ts";
import type { StoredEvent } from "../store/store.ts";

type Dated = Pick<StoredEvent, "source" | "occurredAt" | "receivedAt" | "rank" | "seq">;

/** The event's own place in its order. Receipt is no clock of the sender's, so it is never far ahead. */
export function versionOf(event: Dated, rule: Pick<RuleModel, "order" | "fetch">, fetchedAt?: number): Version {
  const { source, seq } = event;
  // What was fetched is as new as its GET: the later one wins, whatever the order of the events.
  if (rule.fetch !== undefined && fetchedAt !== undefined)
    return { source, clock: "fetch", time: fetchedAt, rank: 0, seq };
  if (rule.order === undefined) return { source, time: event.occurredAt, rank: event.rank, seq };
  return { source, clock: "receipt", time: event.receivedAt, rank: 0, seq };
}

/** The version one write brings itself, under `order: { by }`. */
export function ownVersionOf(event: Dated, rule: Pick<RuleModel, "order">, write: MappedWrite): Version | undefined {
  const { by } = write;
  if (by === undefined || rule.order?.kind !== "by") return undefined;
  const clock = `${by.time ? "by" : "count"}:${rule.order.expression.source}`;
  return { source: event.source, clock, time: by.value, rank: event.rank, seq: event.seq };
}
