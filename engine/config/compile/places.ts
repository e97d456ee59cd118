/** From a path below an object, as rooms report faults, to a place in the file. */
import type { Mark, Positions } from "../position.ts";

/** The mark of the deepest member on the path that is there; of the last one's key where the path ends at it. */
export function markAt(
  positions: Positions,
  holder: object,
  path: readonly (string | number)[],
  part: "key" | "value" = "value",
): Mark {
  let current: object = holder;
  for (const [index, name] of path.entries()) {
    const next: unknown = Reflect.get(current, name);
    if (next === undefined) return positions.of(current);
    if (index === path.length - 1) return positions[part](current, name);
    if (typeof next !== "object" || next === null || !positions.has(next)) return positions.value(current, name);
    current = next;
  }
  return positions.of(current);
}
