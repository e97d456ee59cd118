/** What keeps deliveries of an action from sharing a request: said by `check`, before anything is sent. */
import type { ItemsSpec } from "./answers.schema.ts";
import type { PresetAction } from "./preset.schema.ts";

/** Every item has a result; else only those that failed. */
export const listsAll = ({ lists, ok, error, status, succeeded }: ItemsSpec): boolean =>
  lists === undefined ? [ok, error, status, succeeded].some((one) => one !== undefined) : lists === "all";

/** Why deliveries of the action can not share a request. */
export function batchFaults({
  batch,
  steps,
  items,
  idempotency,
  body_format: format = "json",
}: PresetAction): string[] {
  if (batch === undefined) return [];
  const byPosition = items !== undefined && items.index === undefined && items.id === undefined;
  const faults: readonly (readonly [boolean, string])[] = [
    [steps !== undefined, "`steps` are requests for one record"],
    [idempotency?.header !== undefined, "a request has one idempotency key, and each delivery its own"],
    [format === "form" || format === "text", `body_format ${format} has no list`],
    [format !== "json" && batch.path !== "", `body_format ${format} is a list as a whole: path is ""`],
    [format === "csv" && batch.group_by === "none", "rows of CSV must have the same columns"],
    [
      byPosition && items !== undefined && !listsAll(items),
      "a list of faults needs `index` or `id` to tell whose they are",
    ],
  ];
  return faults.flatMap(([wrong, reason]) => (wrong ? [reason] : []));
}
