/** Checks the fields a deliver entry gives its action against what the action takes. */
import { Value } from "typebox/value";
import { errorMessage } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import type { ActionDescriptor } from "../plugin/index.ts";
import type { EntryFault } from "./model.ts";

/** What is checked. A param that is an expression is there with the value `undefined`. */
export interface ParamsInput {
  readonly sink: string;
  readonly action: string;
  readonly descriptor: ActionDescriptor;
  readonly given: Readonly<Record<string, Json | undefined>>;
}

/** Unknown, missing and wrong fields. An action without `params` takes none; `*` actions take any. */
export function checkParams({ sink, action, descriptor, given }: ParamsInput): readonly EntryFault[] {
  if (descriptor.openParams === true) return [];
  const schema: { properties?: Record<string, object>; required?: readonly string[] } = descriptor.params ?? {};
  const properties = schema.properties ?? {};
  const faults: EntryFault[] = [];
  for (const [name, value] of Object.entries(given)) {
    const field = properties[name];
    if (field === undefined) {
      const hint = didYouMean(name, Object.keys(properties));
      const message = errorMessage("HK5204", { param: name, action, sink });
      faults.push({
        code: "HK5204",
        severity: "error",
        path: [name],
        message,
        ...(hint === undefined ? {} : { hint }),
      });
    } else if (value !== undefined && !Value.Check(field, value)) {
      const message = errorMessage("HK5205", { sink, action, reason: `\`${name}\` has a wrong type or value` });
      faults.push({ code: "HK5205", severity: "error", path: [name], message, ...expectedOf(field) });
    }
  }
  for (const name of schema.required ?? []) {
    if (name in given) continue;
    const message = errorMessage("HK5205", { sink, action, reason: `\`${name}\` is missing` });
    faults.push({ code: "HK5205", severity: "error", path: [], message, expected: `${name}: …` });
  }
  return faults;
}

function expectedOf(field: object): { expected?: string } {
  if ("enum" in field && Array.isArray(field.enum)) return { expected: `one of ${field.enum.join(", ")}` };
  if ("type" in field && typeof field.type === "string") return { expected: `a ${field.type}` };
  return {};
}
