/** What the default export of a plugin file has to look like, member by member: plain JavaScript has no compiler to say it. */
import { fail } from "../core/errors.ts";
import type { SinkDescriptor } from "./index.ts";
import type { SchemeDescriptor } from "./scheme.ts";

interface Shape {
  readonly expected: string;
  readonly fits: (value: unknown) => boolean;
}

type Shapes = Readonly<Record<string, Shape>>;

const isMapping = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text: Shape = { expected: "text", fits: (value) => typeof value === "string" };
const mapping: Shape = { expected: "a mapping", fits: isMapping };
const method: Shape = { expected: "a function", fits: (value) => typeof value === "function" };
const flag: Shape = { expected: "true or false", fits: (value) => typeof value === "boolean" };
const optional = ({ expected, fits }: Shape): Shape => ({
  expected: `${expected}, or nothing`,
  fits: (value) => value === undefined || fits(value),
});
const oneOf = (...words: readonly string[]): Shape => ({
  expected: words.map((word) => `"${word}"`).join(" or "),
  fits: (value) => words.some((word) => word === value),
});

const SINK: Shapes = {
  name: text,
  summary: text,
  config: { expected: "a schema, e.g. closed({ … })", fits: isMapping },
  guarantee: oneOf("exactly_once_effect", "once_within_window", "at_least_once"),
  actions: {
    expected: "a mapping from names of actions to { kind, summary }",
    fits: (value) =>
      isMapping(value) &&
      Object.values(value).every((action: unknown) => isMapping(action) && "kind" in action && "summary" in action),
  },
  defaultAction: text,
  marksAttempts: flag,
  local: optional(flag),
  defaults: optional(mapping),
  actionsOf: optional(method),
  reads: optional(method),
  check: optional(method),
  expressions: optional(method),
  open: method,
};

const SCHEME: Shapes = { name: text, summary: text, digest: method };

/** A plugin file as it was imported. */
export interface PluginFile {
  /** As shown to people. */
  readonly path: string;
  /** `ledger` of `ledger.ts`. */
  readonly name: string;
  readonly exported: unknown;
}

/** A sink, or a failure that names the file and the member. */
export function sinkOf(file: PluginFile): SinkDescriptor {
  const value = defaultOf(file.exported);
  if (!isMapping(value)) return fail("HK5104", { file: file.path });
  const name: unknown = Reflect.get(value, "name");
  if (typeof name === "string" && name !== file.name) return fail("HK5105", { file: file.path, name });
  return checked<SinkDescriptor>(file, value, SINK);
}

/** A signature scheme, or a failure that names the file and the member. */
export function schemeOf(file: PluginFile): SchemeDescriptor {
  const value = defaultOf(file.exported);
  if (!isMapping(value)) return fail("HK8107", { file: file.path });
  const name: unknown = Reflect.get(value, "name");
  if (typeof name === "string" && name !== file.name) return fail("HK8108", { file: file.path, name });
  return checked<SchemeDescriptor>(file, value, SCHEME);
}

const defaultOf = (exported: unknown): unknown =>
  isMapping(exported) && "default" in exported ? exported.default : undefined;

/** The one place where what a file exports is taken for what it claims to be: every member has been looked at. */
function checked<T>(file: PluginFile, value: object, shapes: Shapes): T {
  for (const [member, { expected, fits }] of Object.entries(shapes)) {
    const found: unknown = Reflect.get(value, member);
    if (!fits(found)) fail("HK8106", { file: file.path, member, expected, got: kindOf(found) });
  }
  return value as T;
}

/** Its kind only: a value could be anything, a credential too. */
function kindOf(value: unknown): string {
  if (value === undefined) return "not there";
  if (Array.isArray(value)) return "a list";
  return value === null ? "null" : `of type ${typeof value}`;
}
