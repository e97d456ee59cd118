/** State moves: which are stale, which are allowed now, which must wait. */
import type { EntityModel } from "../core/entity.ts";
import type { Version } from "../core/types.ts";
import { isOlder } from "./version.ts";

/** The state of an entity before its first state is known. */
export const unknownState = "unknown";

export type StateResult =
  | { readonly kind: "move"; readonly from: string; readonly to: string }
  /** Already there: no transition, but the version moves on. */
  | { readonly kind: "same" }
  | { readonly kind: "stale"; readonly supersededBy: Version }
  /** Not allowed from here, or not yet: the event is held for its predecessor. */
  | { readonly kind: "not_allowed"; readonly from: string; readonly to: string };

export interface StateNow {
  readonly state: string;
  readonly version?: Version;
}

/** Decides a move to `target`. A state that was written by a later event stays; any first state is accepted. */
export function gateState(model: EntityModel, now: StateNow, target: string, version: Version): StateResult {
  if (now.version !== undefined && isOlder(version, now.version)) return { kind: "stale", supersededBy: now.version };
  if (now.state === target) return { kind: "same" };
  const allowed =
    now.state === unknownState ||
    model.transitions === undefined ||
    (model.transitions.get(now.state)?.has(target) ?? false);
  return allowed ? { kind: "move", from: now.state, to: target } : { kind: "not_allowed", from: now.state, to: target };
}
