/** What a first pipeline of a provider can be made of: the event, key and fields of one of its samples. */
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import { identify } from "../provider/identify.ts";
import type { Sample } from "../provider/model.ts";
import { parseBody } from "../provider/parse.ts";
import { valueAt } from "../provider/reading.ts";
import type { Recipe } from "../provider/recipe.ts";
import { renderSample, type SampleChanges } from "../provider/sample.ts";

export interface DraftField {
  readonly path: string;
  readonly attribute: string;
  readonly value: string | number | boolean;
}

export interface Draft {
  readonly sample: Sample;
  readonly eventType: string;
  readonly key: DraftField;
  readonly fields: readonly DraftField[];
}

/** Of the samples, the one that says the most: a key, and most fields. */
export function draftOf(recipe: Recipe): Draft | undefined {
  const drafts = [...recipe.samples.values()].flatMap((sample) => draftFrom(recipe, sample) ?? []);
  return drafts.reduce<Draft | undefined>(
    (best, one) => (best === undefined || one.fields.length > best.fields.length ? one : best),
    undefined,
  );
}

function draftFrom(recipe: Recipe, sample: Sample): Draft | undefined {
  const [one, other] = [seen(recipe, sample, FIRST), seen(recipe, sample, SECOND)];
  if (one === undefined || other === undefined) return undefined;
  // What differs between two events of the sample is their own id or time: it says nothing of a customer.
  const later = new Map(other.leaves.map((leaf) => [leaf.path, leaf.value]));
  const lasting = one.leaves.filter((leaf) => later.get(leaf.path) === leaf.value);
  const key = lasting.toSorted((a, b) => keyRank(a) - keyRank(b))[0];
  if (key === undefined || keyRank(key) >= NO_KEY) return undefined;
  const usable = lasting
    .filter((leaf) => leaf.path !== key.path && /^[\w.]+$/.test(leaf.path) && fieldRank(leaf) < NO_FIELD)
    .filter((leaf) => seen(recipe, sample, { ...FIRST, root: recipe.root, remove: [leaf.path] })?.type === one.type)
    .filter((leaf) => !isRead(recipe, leaf))
    .toSorted((a, b) => fieldRank(a) - fieldRank(b));
  return { sample, eventType: one.type, key, fields: distinct(usable).slice(0, 3) };
}

const PATH = "/hooks/draft";
const FIRST: SampleChanges = { id: "evt_first", time: Date.UTC(2026, 0, 2, 3, 4, 5) };
const SECOND: SampleChanges = { id: "evt_second", time: Date.UTC(2026, 5, 7, 8, 9, 10) };

/** Part of what is signed, or an answer of who it is: without it the event would be another, or none. */
function isRead(recipe: Recipe, { path }: DraftField): boolean {
  const full = recipe.root === "" ? path : `${recipe.root}.${path}`;
  return JSON.stringify([recipe.verify, recipe.events]).includes(JSON.stringify(full));
}

interface Seen {
  readonly type: string;
  readonly leaves: readonly DraftField[];
}

/** The sample as an event would come of it: its type, and the values an expression could read. */
function seen(recipe: Recipe, sample: Sample, changes: SampleChanges): Seen | undefined {
  const { headers, body } = renderSample(recipe, sample, changes);
  const request = { method: "POST", target: PATH, path: PATH, query: "", headers, body };
  const identified = identify(recipe, request, { maxItems: 100 });
  const event = identified.kind === "events" ? identified.events[0] : undefined;
  const parsed = parseBody(recipe.events, { contentType: headers["content-type"] ?? "", body });
  const item = parsed.ok ? parsed.items[0] : undefined;
  if (event === undefined || item === undefined || !item.ok) return undefined;
  const below = recipe.root === "" ? item.value : valueAt(item.value, recipe.root);
  return {
    type: event.type,
    leaves: [...leavesOf(below ?? {}, ""), ...(recipe.root === "" ? [] : leavesOf(item.value, "$event."))],
  };
}

/** Names that an expression would read as something else. */
const WORDS = new Set(["and", "or", "in", "true", "false", "null", "function"]);
const DEEPEST = 3;

/** Plain values at plain paths; nothing inside lists, since another event may have none. */
function leavesOf(value: Json, prefix: string, depth = 0): readonly DraftField[] {
  if (!isJsonObject(value) || depth > DEEPEST) return [];
  return Object.entries(value).flatMap(([name, one]): readonly DraftField[] => {
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name) || WORDS.has(name)) return [];
    const path = `${prefix}${name}`;
    if (isJsonObject(one)) return leavesOf(one, `${path}.`, depth + 1);
    // The first of a list of plain values: as a key, where there is nothing better.
    if (Array.isArray(one))
      return typeof one[0] === "string" && one[0] !== ""
        ? [{ path: `${path}[0]`, attribute: name, value: one[0] }]
        : [];
    if (
      typeof one === "string"
        ? one.trim() === "" || one.length > 100 || /[\n\r]/.test(one)
        : typeof one !== "number" && typeof one !== "boolean"
    )
      return [];
    return [{ path, attribute: attributeName(name), value: one as string | number | boolean }];
  });
}

function attributeName(name: string): string {
  const snake = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
  return ["state", "key", "parent", "id", "ids"].includes(snake) ? `${snake}_value` : snake;
}

const lastOf = ({ path }: DraftField) => path.slice(path.lastIndexOf(".") + 1);
const depthOf = ({ path }: DraftField) => path.split(".").length;
const NO_KEY = 90;
const NO_FIELD = 90;

/** What an entity is known by: an id near the top, else an address, else an id further down. */
function keyRank(field: DraftField): number {
  const last = lastOf(field);
  if (typeof field.value === "boolean" || (typeof field.value === "number" && !Number.isSafeInteger(field.value)))
    return NO_KEY;
  const base = /^(id|uuid|guid|uid)$/i.test(last)
    ? 0
    : /^e-?mail/i.test(last)
      ? 4
      : /(_id|Id|ID|_key|_uuid|_number|Reference|reference|_sid|Sid)$/.test(last)
        ? 8
        : typeof field.value === "string" && field.value.length <= 64
          ? 40
          : NO_KEY;
  return Math.min(NO_KEY, base + 2 * depthOf(field) + (field.path.startsWith("$event.") ? 20 : 0));
}

/** What a CRM would want to know first. */
function fieldRank(field: DraftField): number {
  const last = lastOf(field);
  if (/secret|token|password|signature|hash|checksum|nonce|(^|_)ip($|_)/i.test(last)) return NO_FIELD;
  if (typeof field.value === "number" && !Number.isFinite(field.value)) return NO_FIELD;
  const wanted =
    /^(e-?mail|name|title|status|plan|amount|total|currency|country|company|type|description|created)/i.test(last);
  const dull = /^(object|livemode|version|api_?version|type|event|url|self|href)$/i.test(last);
  return (wanted ? 0 : dull ? 30 : 12) + 2 * depthOf(field);
}

function distinct(fields: readonly DraftField[]): readonly DraftField[] {
  return [...new Map(fields.toReversed().map((one) => [one.attribute, one])).values()].reverse();
}
