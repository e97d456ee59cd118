/** The gate of one attribute: does this event's value go in, given what is stored and at which version? */
import type { AttributeModel } from "../core/entity.ts";
import type { Rung, StoredAttribute } from "../core/record.ts";
import type { Json, Version } from "../core/types.ts";
import { compareValues, isOrdered, sameJson } from "../core/values.ts";
import { rememberRung } from "./deletion.ts";
import { climb } from "./ladder.ts";
import { isOlder, isSameClock } from "./version.ts";

export interface Incoming {
  readonly version: Version;
  readonly pipeline: string;
  /** The rule names this attribute in `lowers:`. */
  readonly mayLower: boolean;
  /** A deletion may come late and take what counts now: what it hides is remembered. */
  readonly remembers?: true;
}

/** `next` is to be stored. `kept`: the value itself did not go in, though what is remembered of it may have changed. */
export type GateResult =
  | { readonly kind: "write"; readonly next: StoredAttribute; readonly changed: boolean }
  | {
      readonly kind: "keep";
      readonly why: "stale" | "refused" | "mode";
      readonly supersededBy?: Version;
      readonly next?: StoredAttribute;
    };

/** Decides `set value` (or `clear`, as null) against what is stored. */
export function gateAttribute(
  attribute: AttributeModel,
  value: Json,
  incoming: Incoming,
  stored?: StoredAttribute,
): GateResult {
  const ladder =
    incoming.remembers === true && attribute.write !== "latest"
      ? rememberRung(attribute, stored, { value, version: incoming.version })
      : undefined;
  const write = (version: Version): GateResult => ({
    kind: "write",
    next: { value, version, writer: incoming.pipeline, ...(ladder === undefined ? {} : { ladder }) },
    changed: stored === undefined || !sameJson(stored.value, value),
  });
  const keep = (): GateResult => ({
    kind: "keep",
    why: "mode",
    ...(stored === undefined || ladder === undefined ? {} : { next: { ...stored, ladder } }),
  });
  switch (attribute.write) {
    case "once":
      return stored === undefined ? write(incoming.version) : keep();
    case "earliest": {
      const earlier = stored?.version === undefined ? stored === undefined : isOlder(incoming.version, stored.version);
      return earlier ? write(incoming.version) : keep();
    }
    case "up": {
      if (stored === undefined) return write(incoming.version);
      const order = compareHeights(attribute, value, stored.value);
      if (order !== undefined && order <= 0) return keep();
      const older = stored.version !== undefined && isOlder(incoming.version, stored.version);
      // A maximum, so the order of arrival does not matter at all.
      return write(older && stored.version !== undefined ? stored.version : incoming.version);
    }
    case "latest":
      return attribute.protected && isOrdered(attribute)
        ? gateLadder(attribute, { value, incoming, stored })
        : gateLatest(attribute, { value, incoming, stored, write });
  }
}

interface GateCase {
  readonly value: Json;
  readonly incoming: Incoming;
  readonly stored: StoredAttribute | undefined;
}

interface WriteCase extends GateCase {
  readonly write: (version: Version) => GateResult;
}

function compareHeights(attribute: AttributeModel, value: Json, stored: Json): number | undefined {
  return stored === null ? 1 : value === null ? -1 : compareValues(attribute, value, stored);
}

function gateLatest(attribute: AttributeModel, { value, incoming, stored, write }: WriteCase): GateResult {
  // Without an order among its values, blanking is the only way such an attribute could fall.
  if (attribute.protected && value === null && !incoming.mayLower) return { kind: "keep", why: "refused" };
  if (stored?.version === undefined) return write(incoming.version);
  if (isOlder(incoming.version, stored.version) || outranked(attribute, incoming, stored)) {
    return { kind: "keep", why: "stale", supersededBy: stored.version };
  }
  return write(incoming.version);
}

/** Protected and ordered: the value after all events in version order, whatever the order of their arrival. */
function gateLadder(attribute: AttributeModel, { value, incoming, stored }: GateCase): GateResult {
  const foreign = stored?.version !== undefined && !isSameClock(stored.version, incoming.version);
  if (stored?.version !== undefined && outranked(attribute, incoming, stored))
    return { kind: "keep", why: "stale", supersededBy: stored.version };
  const compare = (a: Json, b: Json): number =>
    a === null || b === null ? Number(b === null) - Number(a === null) : (compareValues(attribute, a, b) ?? 0);
  // What another source, a seed or a default left counts as there from the beginning.
  const ground: readonly Rung[] =
    stored === undefined
      ? []
      : ((foreign ? undefined : stored.ladder) ?? [
          { value: stored.value, version: { ...incoming.version, time: 0, rank: 0, seq: 0 }, floor: true },
        ]);
  const ladder = climb(
    ground,
    { value, version: incoming.version, ...(incoming.mayLower ? { floor: true as const } : {}) },
    compare,
  );
  const top = ladder.reduce((best, rung) => (compare(rung.value, best.value) >= 0 ? rung : best));
  const next: StoredAttribute = { value: top.value, version: top.version, writer: incoming.pipeline, ladder };
  if (sameJson(top.value, value))
    return { kind: "write", next, changed: stored === undefined || !sameJson(stored.value, value) };
  if (stored === undefined || !sameJson(top.value, stored.value)) {
    // A late permission to lower took the old peak away, and a later value shows: it goes in through this event.
    return { kind: "write", next, changed: true };
  }
  const remembered: StoredAttribute = { ...next, ...(stored.writer === undefined ? {} : { writer: stored.writer }) };
  const older = stored.version !== undefined && isOlder(incoming.version, top.version);
  return older
    ? { kind: "keep", why: "stale", supersededBy: top.version, next: remembered }
    : { kind: "keep", why: "refused", next: remembered };
}

/** Between sources there is no common clock: `writers:` states who wins, highest first. */
function outranked(attribute: AttributeModel, incoming: Incoming, stored: StoredAttribute): boolean {
  if (stored.writer === undefined || stored.version === undefined || stored.version.source === incoming.version.source)
    return false;
  const mine = attribute.writers.indexOf(incoming.pipeline);
  const theirs = attribute.writers.indexOf(stored.writer);
  return theirs !== -1 && (mine === -1 || theirs < mine);
}
