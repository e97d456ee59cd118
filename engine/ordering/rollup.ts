/** Rollups: an attribute of a parent, computed from its children as they stand. Counting members can not drift as increments do. */
import type { AttributeModel, EntityModel, RollupModel } from "../core/entity.ts";
import type { Json } from "../core/types.ts";
import { compareValues } from "../core/values.ts";

/** What a rollup reads of one child. */
export interface ChildValue {
  readonly state: string;
  /** `null`: cleared on purpose; `undefined`: never written. */
  readonly value: Json | undefined;
}

/** `keep`: nothing can be said, so what is stored stays. */
export type RollupResult =
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "clear" }
  | { readonly kind: "keep" };

/** Computes one rollup over all children of its type. */
export function rollUp(
  rollup: RollupModel,
  childAttribute: AttributeModel | undefined,
  children: readonly ChildValue[],
): RollupResult {
  const counted = children.filter((child) => rollup.inStates === undefined || rollup.inStates.has(child.state));
  if (counted.length === 0) return none(rollup);
  if (rollup.take === "count") return { kind: "value", value: counted.length };
  const values = counted.map((child) => child.value).filter((value) => value !== undefined && value !== null);
  // Cleared on purpose is known to be nothing. Not known is not nothing: "none" would be a silent downgrade.
  if (values.length === 0) return counted.every((child) => child.value === null) ? none(rollup) : { kind: "keep" };
  if (rollup.take === "sum") {
    return {
      kind: "value",
      value: values.reduce<number>((sum, value) => sum + (typeof value === "number" ? value : 0), 0),
    };
  }
  const sign = rollup.take === "highest" ? 1 : -1;
  const best = values.reduce((a, b) =>
    sign * ((childAttribute && compareValues(childAttribute, b, a)) ?? 0) > 0 ? b : a,
  );
  return { kind: "value", value: best };
}

function none(rollup: RollupModel): RollupResult {
  if (rollup.none === undefined)
    return rollup.take === "count" || rollup.take === "sum" ? { kind: "value", value: 0 } : { kind: "keep" };
  return rollup.none === "clear" ? { kind: "clear" } : { kind: "value", value: rollup.none.value };
}

/** Child types that some rollup of this entity reads. */
export function rollupChildTypes(model: EntityModel): string[] {
  const types = new Set<string>();
  for (const attribute of model.attributes.values()) if (attribute.rollup) types.add(attribute.rollup.childType);
  return [...types].sort();
}
