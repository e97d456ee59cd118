/** Small readings of `entities:` that several compile steps need. */
import type { ValueModel } from "../../core/values.ts";
import type { AttributeYaml, EntityYaml } from "../schema/entities.schema.ts";

/** The states of an entity, low to high. */
export function statesOf(entity: EntityYaml): readonly string[] {
  if (entity.states === undefined) return [];
  return Array.isArray(entity.states) ? entity.states : Object.keys(entity.states);
}

/** Which attribute is compiled. */
export interface AttributePlace {
  readonly entity: string;
  readonly entityYaml: EntityYaml;
  readonly attribute: string;
}

/** The part of an attribute that says which values it takes. */
export function valueModelOf(yaml: AttributeYaml): ValueModel {
  return {
    type: yaml.type,
    ...(yaml.enum === undefined ? {} : { enum: yaml.enum }),
    ...(yaml.minimum === undefined ? {} : { minimum: yaml.minimum }),
    ...(yaml.maximum === undefined ? {} : { maximum: yaml.maximum }),
    ...(yaml.max_length === undefined ? {} : { maxLength: yaml.max_length }),
    ...(yaml.pattern === undefined || !compiles(yaml.pattern) ? {} : { pattern: yaml.pattern }),
    ...(yaml.format === undefined ? {} : { format: yaml.format }),
  };
}

/** True for a regular expression JavaScript takes. */
export function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern, "u");
    return true;
  } catch {
    return false;
  }
}
