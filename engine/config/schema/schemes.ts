/** Lets signature schemes in code into the language: `scheme:` takes their names besides those that are built in. */
import { signatureSchemes } from "../../plugin/scheme.ts";

/** The same schema, in which every `scheme:` knows these names too. */
export function withSchemes(schema: unknown, names: readonly string[]): unknown {
  return names.length === 0 ? schema : extended(schema, [...signatureSchemes, ...names]);
}

function extended(node: unknown, all: readonly string[]): unknown {
  if (typeof node !== "object" || node === null) return node;
  const same: unknown = signatureSchemes;
  if (node === same) return all;
  if (Array.isArray(node)) return node.map((item: unknown) => extended(item, all));
  return Object.fromEntries(Object.entries(node).map(([key, member]) => [key, extended(member, all)]));
}
