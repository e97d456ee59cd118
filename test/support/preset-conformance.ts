/**
 * What every preset must keep, whatever the payload lacked: no key leaves that the delivery does not carry, none blank
 * that is not cleared, no accident of turning nothing into text. Judged by the request alone, not by our encoder.
 */
import fc from "fast-check";
import { parse } from "yaml";
import { Secret } from "../../engine/core/secret.ts";
import type { Json } from "../../engine/core/types.ts";
import { createSinkContext } from "../../engine/delivery/context.ts";
import { parsePreset } from "../../engine/delivery/preset.ts";
import type {
  ActionKind,
  FrozenRequest,
  HttpAnswer,
  OpenSink,
  Setting,
  Settings,
  SinkContext,
} from "../../engine/plugin/index.ts";
import type { Preset, PresetAction } from "../../engine/plugin/preset.schema.ts";
import { delivery } from "./sink-context.ts";

/** Attributes no vendor has a field for, one of each type. */
export const TYPES = {
  hktext: "string",
  hkcount: "integer",
  hkratio: "number",
  hkflag: "boolean",
  hkwhen: "time",
  hklist: "list",
} as const;
type Name = keyof typeof TYPES;

const values: Readonly<Record<Name, fc.Arbitrary<Json>>> = {
  hktext: fc.string({ minLength: 1, maxLength: 20 }).map((text) => `v${text}`),
  hkcount: fc.integer({ min: -5, max: 5 }),
  hkratio: fc.constantFrom(0, 0.5, -1.25, 1e9),
  hkflag: fc.boolean(),
  hkwhen: fc.constantFrom("2026-11-24T06:00:00.000Z", "1999-12-31T23:59:59.000Z"),
  hklist: fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }),
};

/** What a delivery carries: each attribute is set, cleared, or not there. */
export interface Carried {
  readonly key: string;
  readonly set: Readonly<Record<string, Json>>;
  readonly clear: readonly string[];
}

/** Random deliveries that this sink can be asked for. */
export function carried(preset: Preset, kind: ActionKind): fc.Arbitrary<Carried> {
  const names = namesOf(preset);
  const fate = (name: Name): fc.Arbitrary<{ set?: Json; clear?: boolean }> =>
    fc.oneof(
      { weight: 2, arbitrary: values[name].map((set) => ({ set })) },
      { weight: 2, arbitrary: fc.constant({}) },
      ...(kind === "upsert" && preset.clear !== "none" ? [{ weight: 1, arbitrary: fc.constant({ clear: true }) }] : []),
    );
  // Every third carries one attribute alone, as most changes do.
  const only = fc.option(fc.constantFrom(...names), { freq: 2 });
  return fc.tuple(fc.integer({ min: 1, max: 999_999 }), only, ...names.map(fate)).map(([number, alone, ...fates]) => {
    const set: Record<string, Json> = {};
    const clear: string[] = [];
    for (const [index, { set: value, clear: cleared }] of fates.entries()) {
      const name = names[index];
      if (name === undefined || (alone !== null && name !== alone)) continue;
      if (value !== undefined) set[name] = value;
      else if (cleared === true) clear.push(name);
    }
    // Something has to change, or there would be no delivery.
    if (kind === "upsert" && Object.keys(set).length + clear.length === 0) set["hkcount"] = 1;
    return { key: `cus-${number}`, set, clear };
  });
}

const namesOf = (preset: Preset): readonly Name[] =>
  (Object.keys(TYPES) as Name[]).filter((name) => name !== "hklist" || preset.types?.structured !== "none");

/** A preset, opened over a wire that keeps what is sent. */
export interface Subject {
  readonly preset: Preset;
  readonly sink: OpenSink;
  /** Bodies that were sent. */
  readonly sent: string[];
  /** What our attributes are called there. */
  readonly theirs: Readonly<Record<string, string>>;
  prepare(action: string, what: Carried): Promise<FrozenRequest>;
}

/** Opens a preset with made-up settings, and those of `more`. */
export async function openSubject(text: string, base: SinkContext, more: Settings = {}): Promise<Subject> {
  const parsed = parsePreset(parse(text));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { preset } = parsed;
  const sent: string[] = [];
  const patterns = typeof preset.names === "object" ? Object.values(preset.names.patterns) : [preset.names ?? ""];
  const theirs = Object.fromEntries(
    Object.keys(TYPES).map((name, n) => [
      name,
      spellings(name, n).find((one) => patterns.every((pattern) => new RegExp(pattern).test(one))) ?? name,
    ]),
  );
  const context = createSinkContext({
    ...base,
    entities: new Map([
      [
        "customer",
        {
          ids: ["id", "email"],
          hasStates: false,
          attributes: new Map(Object.entries(TYPES).map(([name, type]) => [name, { type, sensitive: false }] as const)),
        },
      ],
    ]),
    http: {
      async request({ url, body }): Promise<HttpAnswer> {
        const token = url.includes("token") && typeof body === "string" && body.includes("grant_type");
        if (!token && typeof body === "string") sent.push(body);
        const answer = token ? { access_token: "t", instance_url: "https://x.example.com" } : {};
        return { ok: true, status: 200, headers: {}, body: JSON.stringify(answer), truncated: false };
      },
    },
  });
  const settings: Settings = {
    ...madeUp(preset.settings ?? {}, (field) => field.required === true),
    base_url: "https://crm.example.com",
    attribute_names: theirs as Settings,
    ...more,
  };
  const sink = await parsed.sink.open(settings, context);
  return {
    preset,
    sink,
    sent,
    theirs: theirs as Record<string, string>,
    async prepare(name, { key, set, clear }) {
      const action = preset.actions[name];
      const params = madeUp(action?.params ?? {}, () => true) as Record<string, Json>;
      const ids = { id: key, email: `${key}@example.com` };
      return sink.prepare(
        delivery({ action: name, kind: action?.kind ?? "effect", key, ids, set, clear, params, event: "plan_changed" }),
      );
    },
  };
}

type Field = NonNullable<Preset["settings"]>[string];

/** As names are in one CRM or another: plain, merge tags, numbers of fields, hashes. */
function spellings(name: string, n: number): readonly string[] {
  return [name, name.toUpperCase(), `${name}__c`, `${101 + n}`, `${n}`.repeat(40)];
}

function madeUp(fields: Readonly<Record<string, Field>>, wanted: (field: Field) => boolean): Record<string, Setting> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) => {
      if (field.default !== undefined || !wanted(field)) return [];
      const value =
        field.enum?.[0] ?? (typeof field.example === "string" ? field.example : undefined) ?? byType(field.type);
      return [[name, field.secret === true ? new Secret(String(value)) : value]];
    }),
  );
}

function byType(type: string | undefined): Setting {
  if (type === "list") return ["one"];
  if (type === "map" || type === "expressions") return { one: 1 };
  if (type === "integer" || type === "number") return 1;
  return type === "boolean" ? true : "one";
}

/** The bodies of a frozen request, read by their format. */
export function bodiesOf(frozen: FrozenRequest, action: PresetAction): readonly Json[] {
  const { data } = frozen;
  const requests = [data, data["create"], data["update"]];
  return requests.flatMap((request): Json[] => {
    const body = typeof request === "object" && request !== null && "body" in request ? request["body"] : undefined;
    return typeof body === "string" ? [readBody(body, action.body_format)] : [];
  });
}

/** A body as its receiver reads it. */
export function readBody(text: string, format: PresetAction["body_format"]): Json {
  if (format === "ndjson")
    return text
      .trimEnd()
      .split("\n")
      .map((line): Json => JSON.parse(line));
  if (format === "form") return Object.fromEntries(new URLSearchParams(text));
  return format === "text" || format === "csv" ? text : JSON.parse(text);
}

const ACCIDENTS = ["undefined", "null", "NaN", "[object Object]", ""];

/** What is wrong with a body, as `path: what`. */
export function violations(body: Json, what: Carried, subject: Pick<Subject, "preset" | "theirs">): readonly string[] {
  const { preset, theirs } = subject;
  const known = new Map(Object.entries(theirs).map(([ours, name]) => [name, ours]));
  const found: string[] = [];
  const visit = (value: Json, path: string): void => {
    if (value === null || (typeof value === "string" && ACCIDENTS.includes(value))) {
      found.push(`${path}: ${JSON.stringify(value)}`);
    } else if (Array.isArray(value)) {
      for (const [index, member] of value.entries()) {
        const ours = typeof member === "string" ? known.get(member) : undefined;
        if (ours !== undefined && !what.clear.includes(ours)) found.push(`${path}.${index}: clears ${member}`);
        visit(member, `${path}.${index}`);
      }
    } else if (typeof value === "object") {
      const pair = Object.entries(value).find(([, member]) => typeof member === "string" && known.has(member));
      for (const [key, member] of Object.entries(value)) {
        const ours = known.get(pair === undefined ? key : String(pair[1]));
        if (key === pair?.[0]) continue;
        if (ours === undefined) visit(member, `${path}.${key}`);
        else attribute(ours, member, `${path}.${key}`);
      }
    }
  };
  const attribute = (ours: string, value: Json, path: string): void => {
    if (ours in what.set) {
      if (!says(value, what.set[ours] ?? null)) found.push(`${path}: ${JSON.stringify(value)} is not what was set`);
    } else if (!what.clear.includes(ours)) found.push(`${path}: a key that the delivery does not carry`);
    else if (!isSpelling(value, path, preset.clear ?? "null")) found.push(`${path}: not the spelling of a clear`);
  };
  visit(body, "");
  return found;
}

/** Numbers and booleans may be texts; times and lists have many forms, but never an empty one. */
function says(value: Json, set: Json): boolean {
  if (typeof set === "number" || typeof set === "boolean") return value === set || value === String(set);
  if (typeof set === "string" && set.startsWith("v")) return value === set;
  return value !== null && !(typeof value === "string" && ACCIDENTS.includes(value));
}

function isSpelling(value: Json, path: string, clear: NonNullable<Preset["clear"]>): boolean {
  if (clear === "null") return value === null;
  return clear === "empty" ? value === "" : clear === "list" && /unset|remove|delete|clear/i.test(path);
}

/** Attributes that were set and are nowhere in the body. */
export function lost(body: Json, what: Carried, { theirs }: Pick<Subject, "theirs">): readonly string[] {
  const keys = new Set<string>();
  const visit = (value: Json): void => {
    // Some sinks take pairs of a name and a value.
    if (typeof value === "string") keys.add(value);
    if (typeof value !== "object" || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      keys.add(key);
      visit(member);
    }
  };
  visit(body);
  return [...Object.keys(what.set), ...what.clear].filter((name) => !keys.has(theirs[name] ?? name));
}
