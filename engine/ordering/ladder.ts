/**
 * The memory of a protected attribute. In version order, each event's value goes in if it is not lower than what
 * is there, or if its rule may lower it. Events arrive in any order, so the few that still can matter are kept:
 * the last permitted lowering (the floor) and, after it, the values that no later value reaches. Every order of
 * arrival then ends in the same value.
 */
import type { Rung } from "../core/record.ts";
import type { Json, Version } from "../core/types.ts";
import { compareVersions } from "./version.ts";

/** More rungs than this need as many falling values, each refused: the lowest ones are given up first. */
const maxRungs = 32;

const later = (a: Version, b: Version): boolean => (compareVersions(a, b) ?? 1) > 0;

/** Adds one event. Rungs stay in version order: the floor first, then falling values. */
export function climb(ladder: readonly Rung[], rung: Rung, compare: (a: Json, b: Json) => number): readonly Rung[] {
  const floor = ladder.find((one) => one.floor);
  if (floor !== undefined && later(floor.version, rung.version)) return ladder;
  const peaks = ladder.filter((one) => !one.floor);
  if (rung.floor) return [rung, ...peaks.filter((one) => later(one.version, rung.version))];
  const ground = floor === undefined ? [] : [floor];
  // A later value that is as high hides this one; this one hides earlier ones that are no higher.
  if (peaks.some((one) => later(one.version, rung.version) && compare(one.value, rung.value) >= 0)) return ladder;
  const before = peaks.filter((one) => !later(one.version, rung.version) && compare(one.value, rung.value) > 0);
  const after = peaks.filter((one) => later(one.version, rung.version));
  return [...ground, ...[...before, rung, ...after].slice(0, maxRungs)];
}
