/** How values and keys are shown in a plan: sensitive ones as a keyed fingerprint, so that two that differ look different. */
import { createHmac } from "node:crypto";
import type { Revision } from "../config/revision.ts";
import type { EntityModel } from "../core/entity.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { canonicalJson } from "../flow/canonical.ts";

/** What may be said of what one side would write. */
export interface Shown {
  /** `undefined`: not written. */
  value(entity: string, attribute: string, value: Json | undefined): string;
  ref(ref: EntityRef): string;
  /** A value that may come from anywhere in a payload. */
  hidden(text: string): string;
}

export interface ShownOptions {
  readonly before: Revision;
  readonly after: Revision;
  /** Of one run, or of a store: fingerprints of two keys can not be compared. */
  readonly key: Uint8Array;
  /**
   * The newer side comes from somebody who may not read what is stored. Then a value is shown only where the older side
   * declares the attribute harmless and closed (an enum, true or false), since a mapping could carry anything into any text.
   */
  readonly guarded?: boolean;
}

const FINGERPRINT_DIGITS = 8;
const MAX_SHOWN = 80;

export function createShown({ before, after, key, guarded = false }: ShownOptions): Shown {
  const sides = guarded ? [before] : [before, after];
  const declaring = (entity: string) => sides.flatMap((side) => side.entities.get(entity) ?? []);
  const attributeOf = (models: readonly EntityModel[], name: string) =>
    models.flatMap((model) => model.attributes.get(name) ?? []);
  const mark = (text: string) =>
    `[hidden #${createHmac("sha256", key).update(text).digest("hex").slice(0, FINGERPRINT_DIGITS)}]`;
  const hidesAttribute = (entity: string, name: string): boolean => {
    const found = attributeOf(declaring(entity), name);
    return found.length === 0 || found.some((one) => one.sensitive);
  };
  const hidesKey = (entity: string): boolean => {
    const models = declaring(entity);
    return (
      guarded ||
      models.length === 0 ||
      models.some((model) => model.ids.some((id) => model.attributes.get(id)?.sensitive === true))
    );
  };
  const hides = (entity: string, name: string, value: Json): boolean => {
    if (name === "delete") return false;
    if (name === "state") return guarded && !declaring(entity).some((model) => model.states.includes(String(value)));
    if (name.startsWith("link:")) {
      const id = name.slice("link:".length);
      if (id === "merged" || id === "parent") return hidesKey(entity);
      return guarded || attributeOf(declaring(entity), id).some((one) => one.sensitive) || hidesKey(entity);
    }
    return hidesAttribute(entity, name) || (guarded && !isClosed(attributeOf(declaring(entity), name), value));
  };
  return {
    value(entity, name, value) {
      if (value === undefined) return "(none)";
      if (value === null) return "(blank)";
      if (hides(entity, name, value)) return mark(canonicalJson([entity, name, value]));
      return short(JSON.stringify(value));
    },
    ref: ({ type, key: id }) => `${type}/${hidesKey(type) ? mark(canonicalJson([type, id])) : short(id)}`,
    hidden: mark,
  };
}

function isClosed(attributes: ReturnType<EntityModel["attributes"]["get"]>[], value: Json): boolean {
  return attributes.some(
    (one) =>
      one !== undefined &&
      (one.type === "boolean" ? typeof value === "boolean" : one.enum?.some((allowed) => allowed === value) === true),
  );
}

// Control characters of stored text must not move a cursor or end a line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function short(text: string): string {
  const safe = text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN - 1)}…` : safe;
}
