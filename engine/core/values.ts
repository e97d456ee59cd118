/**
 * Values of attributes: what a declared type accepts, the one coercion there is (`time`), and the order that
 * "lower", "highest" and "lowest" mean. Pure.
 */
import { fullFormats } from "ajv-formats/dist/formats.js";
import type { AttributeModel } from "./entity.ts";
import type { Json, JsonObject } from "./types.ts";

/** How numbers of a source become `time` values. */
export type Times = "seconds" | "millis" | "iso";

/** What `readValue` needs to know of an attribute. */
export type ValueModel = Pick<AttributeModel, "type"> &
  Partial<Pick<AttributeModel, "enum" | "minimum" | "maximum" | "maxLength" | "pattern" | "format">>;

/** `expected` is a phrase for messages: `an integer`, `one of free, pro, team`. */
export type ValueReading =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly expected: string };

const refused = (expected: string): ValueReading => ({ ok: false, expected });
const accepted = (value: Json): ValueReading => ({ ok: true, value });

/** Accepts a value for an attribute, or says what was expected. Nothing is cast; only `time` is brought to canonical ISO. */
export function readValue(model: ValueModel, value: Json, options: { readonly times: Times }): ValueReading {
  const read = readType(model, value, options.times);
  if (!read.ok || model.enum === undefined) return read;
  return model.enum.some((allowed) => allowed === read.value) ? read : refused(`one of ${model.enum.join(", ")}`);
}

function readType(model: ValueModel, value: Json, times: Times): ValueReading {
  switch (model.type) {
    case "string":
      return typeof value === "string" ? readText(model, value) : refused("text");
    case "integer":
      return Number.isSafeInteger(value) ? readNumber(model, value as number) : refused("an integer");
    case "number":
      return typeof value === "number" && Number.isFinite(value) ? readNumber(model, value) : refused("a number");
    case "boolean":
      return typeof value === "boolean" ? accepted(value) : refused("true or false");
    case "time":
      return readTime(value, times);
    case "list":
      return Array.isArray(value) ? accepted(value) : refused("a list");
    case "object":
      return isJsonObject(value) ? accepted(value) : refused("an object");
  }
}

function readNumber(model: ValueModel, value: number): ValueReading {
  if (model.minimum !== undefined && value < model.minimum) return refused(`at least ${model.minimum}`);
  if (model.maximum !== undefined && value > model.maximum) return refused(`at most ${model.maximum}`);
  return accepted(Object.is(value, -0) ? 0 : value);
}

function readText(model: ValueModel, value: string): ValueReading {
  // Length counts code points, as in JSON Schema; the cheap bound comes first.
  if (model.maxLength !== undefined && value.length > model.maxLength && [...value].length > model.maxLength) {
    return refused(`at most ${model.maxLength} characters`);
  }
  if (model.format !== undefined && !matchesFormat(model.format, value)) return refused(FORMAT_NAMES[model.format]);
  if (model.pattern !== undefined && !new RegExp(model.pattern, "u").test(value))
    return refused(`text that matches ${model.pattern}`);
  return accepted(value);
}

const FORMAT_NAMES = { email: "an e-mail address", uri: "a URI", date: "a date (2026-12-04)", uuid: "a UUID" } as const;

function matchesFormat(format: keyof typeof FORMAT_NAMES, value: string): boolean {
  // Longer than any of these can be (RFC 5321: 254; URIs: what browsers bear): keeps the regular expressions short of work.
  if (value.length > (format === "uri" ? 8192 : 320)) return false;
  const check: unknown = fullFormats[format];
  if (check instanceof RegExp) return check.test(value);
  if (typeof check === "function") return check(value) === true;
  return hasValidate(check) && check.validate(value);
}

function hasValidate(check: unknown): check is { validate(value: string): boolean } {
  return typeof check === "object" && check !== null && "validate" in check && typeof check.validate === "function";
}

// RFC 3339 with the parts JavaScript would guess (zone, seconds) required; a date alone is midnight UTC.
const ISO = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|z|[+-]\d\d:?\d\d))?$/;
/** 9999-12-31T23:59:59.999Z: later instants are not four-digit years, and nearly always milliseconds taken for seconds. */
const LAST_INSTANT = 253402300799999;

function readTime(value: Json, times: Times): ValueReading {
  if (typeof value === "string") {
    const instant = parseIso(value);
    return instant === undefined
      ? refused("an ISO 8601 time with its zone (2026-12-04T00:00:00Z)")
      : accepted(formatTime(instant));
  }
  if (typeof value !== "number" || times === "iso") {
    return refused(
      times === "iso" ? "an ISO 8601 time (2026-12-04T00:00:00Z)" : `a time in ${times} since 1970, or ISO 8601`,
    );
  }
  const instant = Math.round(times === "seconds" ? value * 1000 : value);
  if (!(instant >= 0 && instant <= LAST_INSTANT))
    return refused(`a time in ${times} since 1970, before the year 10000`);
  return accepted(formatTime(instant));
}

/** Milliseconds since the epoch of an RFC 3339 time or date; undefined for anything else, also for 30 February. */
export function parseIso(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] = match;
  const ms = Number(fraction.padEnd(3, "0").slice(0, 3));
  const local = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    ms,
  );
  const civil = new Date(local);
  if (civil.getUTCDate() !== Number(day) || civil.getUTCMonth() !== Number(month) - 1) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  // Date.UTC reads years below 100 as 19xx.
  if (civil.getUTCFullYear() !== Number(year)) return undefined;
  return local - zoneMinutes(zone) * 60_000;
}

function zoneMinutes(zone: string): number {
  if (zone === "Z" || zone === "z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith("-") ? -minutes : minutes;
}

/** The canonical form of a `time` value: `2026-12-04T00:00:00.000Z`. */
export function formatTime(instant: number): string {
  return new Date(instant).toISOString();
}

/**
 * Order of two values of one attribute: negative, 0 or positive. By enum order, else number, false < true, or time.
 * Undefined where the type has no order (text without `enum:`, lists, objects) or a value is outside of it.
 */
export function compareValues(model: ValueModel, a: Json, b: Json): number | undefined {
  if (model.enum !== undefined) {
    const order: readonly Json[] = model.enum;
    const [left, right] = [order.indexOf(a), order.indexOf(b)];
    return left < 0 || right < 0 ? undefined : left - right;
  }
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (model.type === "time" && typeof a === "string" && typeof b === "string") {
    const [left, right] = [parseIso(a), parseIso(b)];
    return left === undefined || right === undefined ? undefined : left - right;
  }
  return undefined;
}

/** True for types whose values `compareValues` can order: what `take: highest`, `lowest` and `write: up` need. */
export function isOrdered(model: ValueModel): boolean {
  return model.enum !== undefined || ["integer", "number", "boolean", "time"].includes(model.type);
}

/** A JSON object: not null, not a list. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Equality of JSON values; the order of object keys does not matter. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/** "" and white space count as missing, everywhere. */
export function isBlank(value: Json | undefined): boolean {
  return typeof value === "string" && value.trim() === "";
}
