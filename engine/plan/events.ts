/** The events a plan is made over, as requests that each side reads with its own recipe. */
import { hash } from "node:crypto";
import type { Revision, SourceModel } from "../config/revision.ts";
import type { EventId } from "../core/types.ts";
import { identify } from "../provider/identify.ts";
import type { IdentifiedEvent } from "../provider/model.ts";
import type { StoredEvent } from "../store/store.ts";
import type { KnownAnswer } from "./fetched.ts";

/** One event: a stored one, a sample, or one of a corpus. */
export interface PlanEvent {
  /** How it is shown: our id, the sample's name, the corpus file. */
  readonly name: string;
  /** Name of its source, as the older side calls it. */
  readonly source: string;
  /** Lower-case names, without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly itemIndex: number;
  /** ms since the epoch. */
  readonly receivedAt: number;
  /** How intake understood it when it came. */
  readonly stored?: StoredEvent;
  /** What is known of what rules may fetch for it. */
  readonly answers?: readonly KnownAnswer[];
}

/** Which event it is, by one side's recipe. */
export type Identity = Pick<
  StoredEvent,
  "dedupeKey" | "providerId" | "type" | "occurredAt" | "clockResolutionMs" | "rank"
> & {
  /** Code of what kept it from being read. */
  readonly unreadable?: string;
};

const keyPrefix = { provider: "p:", composite: "c:", hash: "h:" } as const;

/** All sources by name, inline ones too. */
export function sourcesOf(revision: Pick<Revision, "sources" | "pipelines">): ReadonlyMap<string, SourceModel> {
  const inline = revision.pipelines.map(({ source }) => [source.name, source] as const);
  return new Map([...inline, ...revision.sources]);
}

/** How many events a request of this source holds. */
export function itemsIn(source: SourceModel, event: Omit<PlanEvent, "itemIndex">, maxItems: number): number {
  const found = identify(source.recipe, requestOf(source, event), { maxItems });
  return found.kind === "events" ? found.events.length : 1;
}

export function identityOf(source: SourceModel, event: PlanEvent, maxItems: number): Identity {
  const found = identify(source.recipe, requestOf(source, event), { maxItems });
  if (found.kind === "unreadable") return nameless(event, { id: found.id, code: found.code });
  const item = found.events[event.itemIndex];
  if (item === undefined) return nameless(event, { id: bodyHash(event), code: "HK3015" });
  if (item.unreadable !== undefined) return nameless(event, { id: item.id, code: item.unreadable.code });
  return toIdentity(item, event);
}

function toIdentity(item: IdentifiedEvent, event: PlanEvent): Identity {
  return {
    dedupeKey: keyPrefix[item.idKind] + item.id,
    providerId: item.id,
    type: item.type,
    occurredAt: item.occurredAt ?? event.receivedAt,
    clockResolutionMs: item.clockResolutionMs,
    rank: item.rank,
  };
}

function nameless(event: PlanEvent, { id, code }: { readonly id: string; readonly code: string }): Identity {
  return {
    dedupeKey: keyPrefix.hash + id,
    providerId: id,
    type: "unreadable",
    occurredAt: event.receivedAt,
    clockResolutionMs: 1,
    rank: 0,
    unreadable: code,
  };
}

/** Address and signature are not stored: a recipe that reads those can not read the event again. */
function requestOf(source: SourceModel, event: Omit<PlanEvent, "itemIndex">) {
  const headers = { "content-type": event.contentType, ...event.headers };
  return { method: "POST", target: source.path, path: source.path, query: "", headers, body: event.body };
}

const bodyHash = (event: PlanEvent): string => hash("sha256", event.body, "hex");

/** True when the recipe reads the event as intake did: only then does another recipe's reading say anything. */
export function readsAsStored(identity: Identity, stored: StoredEvent): boolean {
  return identity.dedupeKey === stored.dedupeKey.replace(/#\d+$/, "") && identity.type === stored.type;
}

export function identityAsStored(stored: StoredEvent): Identity {
  const { dedupeKey, providerId, type, occurredAt, clockResolutionMs, rank } = stored;
  return { dedupeKey, providerId, type, occurredAt, clockResolutionMs, rank };
}

/** What a side works on. */
export function toStored(
  event: PlanEvent,
  identity: Identity,
  at: { readonly seq: number; readonly source: SourceModel; readonly revision: string },
): StoredEvent {
  const { unreadable: _unreadable, ...known } = identity;
  return {
    ...known,
    id: (event.stored?.id ?? `evt_${String(at.seq).padStart(8, "0")}`) as EventId,
    source: at.source.name,
    provider: at.source.provider,
    receivedAt: event.receivedAt,
    headers: event.headers,
    contentType: event.contentType,
    body: event.body,
    bodyHash: event.stored?.bodyHash ?? "",
    itemIndex: event.itemIndex,
    verification: event.stored?.verification ?? { scheme: "plan", secretIndex: 0, signed: "" },
    revision: at.revision,
    seq: at.seq,
  };
}
