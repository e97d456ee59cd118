/** How values and keys are shown in a plan: sensitive ones as a keyed fingerprint, so that two that differ look different. */
import { createHmac } from "node:crypto";
import type { Revision } from "../config/revision.ts";
import { canonicalJson } from "../core/canonical.ts";
import type { EntityModel } from "../core/entity.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { holdsSensitive, leavesOf } from "../testing/redact.ts";

/** What may be said of what one side would write. */
export interface Shown {
  /** `undefined`: not written. */
  value(entity: string, attribute: string, value: Json | undefined): string;
  ref(ref: EntityRef): string;
  /** A value that may come from anywhere in a payload. */
  hidden(text: string): string;
  /** The same, where also no other value may hold what is sensitive among these. */
  beside(writes: readonly ShownWrite[], refs: readonly EntityRef[]): Shown;
}

export interface ShownWrite {
  readonly entity: EntityRef;
  readonly attribute: string;
  readonly value: Json;
}

export interface ShownOptions {
  readonly before: Revision;
  readonly after: Revision;
  /** What these call sensitive is too. */
  readonly others?: readonly Revision[];
  /** Of one run, or of a store: fingerprints of two keys can not be compared. */
  readonly key: Uint8Array;
}

const FINGERPRINT_DIGITS = 8;
const MAX_SHOWN = 80;

export function createShown({ before, after, others = [], key }: ShownOptions): Shown {
  const sides = [before, after, ...others];
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
      models.length === 0 ||
      models.some((model) => model.ids.some((id) => model.attributes.get(id)?.sensitive === true))
    );
  };
  const hides = (entity: string, name: string): boolean => {
    if (name === "delete" || name === "state") return false;
    if (name.startsWith("link:")) {
      const id = name.slice("link:".length);
      if (id === "merged" || id === "parent") return hidesKey(entity);
      return attributeOf(declaring(entity), id).some((one) => one.sensitive) || hidesKey(entity);
    }
    return hidesAttribute(entity, name);
  };
  const showing = (sensitive: ReadonlySet<string>): Shown => ({
    value(entity, name, value) {
      if (value === undefined) return "(none)";
      if (value === null) return "(blank)";
      if (hides(entity, name) || holds(sensitive, value)) return mark(canonicalJson([entity, name, value]));
      return short(JSON.stringify(value));
    },
    ref({ type, key: id }) {
      const hidden = hidesKey(type) || holds(sensitive, id);
      return `${type}/${hidden ? mark(canonicalJson([type, id])) : short(id)}`;
    },
    hidden: mark,
    beside: (writes, refs) =>
      showing(
        new Set([
          ...writes.flatMap(({ entity, attribute, value }) => (hides(entity.type, attribute) ? leavesOf(value) : [])),
          ...refs.flatMap(({ type, key: id }) => (hidesKey(type) ? leavesOf(id) : [])),
        ]),
      ),
  });
  return showing(new Set());
}

const holds = (sensitive: ReadonlySet<string>, value: Json): boolean =>
  sensitive.size > 0 && leavesOf(value).some((leaf) => holdsSensitive(leaf, sensitive));

// Control characters of stored text must not move a cursor or end a line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function short(text: string): string {
  const safe = text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return safe.length > MAX_SHOWN ? `${safe.slice(0, MAX_SHOWN - 1)}…` : safe;
}
