/** What the conditions and fields of a delivery may read: payload, `let` names, and the entities as they are after the step. */
import type { Scope } from "../core/expression.ts";
import { refKey } from "../core/record.ts";
import type { Json } from "../core/types.ts";
import { valuesOf } from "../ordering/draft.ts";
import type { StepWrite, Touched } from "../ordering/step.ts";
import type { Prepared } from "./prepare.ts";

/**
 * The scope of each entity's deliveries. Under `each:` that is the item which wrote the entity, the last one where
 * several did, since the last one's values stand; what no item wrote (a parent that was recomputed) has no `$item`.
 */
export function createScopes(
  prepared: Pick<Extract<Prepared, { kind: "mapped" }>, "scope" | "mapped">,
  touched: readonly Touched[],
  writes: readonly StepWrite[],
): (one: Touched) => Scope {
  const { scope, mapped } = prepared;
  const itemOf = new Map(writes.map((write) => [refKey(write.ref), write.item]));
  const entities = (list: readonly Touched[]): Record<string, Json> =>
    Object.fromEntries(list.map(({ after }) => [after.type, valuesOf(after.attributes)]));
  const all = entities(touched);
  return (one) => {
    const index = itemOf.get(refKey(one.after));
    const item = index === undefined ? undefined : mapped.items?.[index];
    const beside = item === undefined ? [] : touched.filter(({ after }) => itemOf.get(refKey(after)) === index);
    return {
      ...scope,
      variables: {
        ...scope.variables,
        ...(item === undefined ? {} : { item: item.item, ...item.lets }),
        ...all,
        ...entities(beside),
        ...entities([one]),
      },
    };
  };
}
