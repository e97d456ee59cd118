/** Steps of a path through a schema: whether a name can stand there at all. */
import { isNode, type SchemaNode } from "../annotations.ts";

/** What the members of these schemas by this name are; `*` for all members and items. Empty: there can be none. */
export function stepThrough(schemas: readonly SchemaNode[], step: string): readonly SchemaNode[] {
  return schemas.flatMap(branches).flatMap((schema) => {
    const named = isNode(schema["properties"]) ? schema["properties"] : {};
    const open = [
      ...(isNode(schema["patternProperties"]) ? Object.values(schema["patternProperties"]) : []),
      schema["additionalProperties"],
    ];
    if (step !== "*") return (Object.hasOwn(named, step) ? [named[step]] : open).filter(isNode);
    return [...Object.values(named), ...open, schema["items"]].filter(isNode);
  });
}

/** Names that these schemas know. */
export const namesIn = (schemas: readonly SchemaNode[]): readonly string[] =>
  schemas.flatMap(branches).flatMap(({ properties }) => (isNode(properties) ? Object.keys(properties) : []));

/** True when anything may stand there. */
export const isOpen = (schemas: readonly SchemaNode[]): boolean =>
  schemas.flatMap(branches).some(({ type, properties, items }) => !type && !properties && !items);

function branches(schema: SchemaNode): readonly SchemaNode[] {
  const parts = ["anyOf", "oneOf", "allOf"].flatMap((word) => {
    const list: unknown = schema[word];
    return Array.isArray(list) ? list.filter(isNode) : [];
  });
  return parts.length === 0 ? [schema] : parts.flatMap(branches);
}
