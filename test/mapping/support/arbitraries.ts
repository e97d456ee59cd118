/** Random payloads and expressions over them: few names and values, so that paths meet what is there. */
import fc from "fast-check";
import type { Json } from "../../../engine/core/types.ts";

const NAMES = ["a", "b", "c", "d"];

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    0,
    1,
    2,
    -1,
    0.5,
    10,
    1.005,
    2.5,
    "",
    " ",
    "a",
    "b",
    "5",
    "1.5",
    "x y",
    "Ab",
    "é😀",
    "2026-01-02T03:04:05Z",
    true,
    false,
    null,
  ),
  fc.integer({ min: -3, max: 3 }),
);

/** A JSON value of lists in lists, lists of one, empty lists, and objects with few names. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    object(tie("value")),
  ),
})).value;

function object(value: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 4, noNullPrototype: true });
}

export const payload: fc.Arbitrary<Json> = fc.oneof(
  { weight: 9, arbitrary: object(json) },
  { weight: 1, arbitrary: json },
);

const literal = fc.constantFrom("0", "1", "2", "-1", "0.5", '"a"', '"b"', '"5"', '""', "true", "false", "null");

const UNARY = [
  "$string",
  "$number",
  "$boolean",
  "$not",
  "$exists",
  "$lowercase",
  "$uppercase",
  "$trim",
  "$length",
  "$sum",
  "$count",
  "$max",
  "$min",
  "$average",
  "$round",
  "$floor",
  "$ceil",
  "$abs",
  "$toMillis",
  "$fromMillis",
  "$join",
  "$type",
];
const BINARY = ["$substring", "$substringBefore", "$substringAfter", "$contains", "$split", "$join", "$round"];
const OPERATORS = ["+", "-", "*", "/", "%", "=", "!=", "<", "<=", ">", ">=", "&", "and", "or", "in"];

/** JSONata of the compiled subset, as text. */
export const expression: fc.Arbitrary<string> = fc.letrec<{
  any: string;
  path: string;
  step: string;
  predicate: string;
}>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    literal,
    tie("path"),
    tie("path"),
    fc.constantFrom("$v", "$w.a", "$w.a.b", "$", "$$", "$$.a", "$.b", "$w[0]", "$v[-1]"),
    fc.tuple(tie("any"), fc.constantFrom(...OPERATORS), tie("any")).map(([l, op, r]) => `(${l} ${op} ${r})`),
    fc.tuple(fc.constantFrom(...UNARY), tie("any")).map(([fn, arg]) => `${fn}(${arg})`),
    fc.tuple(fc.constantFrom(...BINARY), tie("any"), tie("any")).map(([fn, l, r]) => `${fn}(${l}, ${r})`),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([c, y, n]) => `(${c} ? ${y} : ${n})`),
    fc.tuple(tie("path"), fc.constantFrom("??", "?:"), tie("any")).map(([l, op, r]) => `(${l} ${op} ${r})`),
    fc.array(tie("any"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    fc.tuple(tie("any"), tie("any")).map(([x, y]) => `{"x": ${x}, "y": ${y}}`),
    fc
      .tuple(tie("path"), fc.constantFrom("a", "b", '"k"', "$string(a)"), tie("any"))
      .map(([p, k, v]) => `${p}{${k}: ${v}}`),
    tie("any").map((x) => `-(${x})`),
    fc.tuple(tie("any"), tie("any")).map(([value, body]) => `($l := ${value}; [$l, ${body}])`),
    fc.tuple(tie("any"), tie("predicate")).map(([x, p]) => `(${x})${p}`),
  ),
  predicate: fc.oneof(
    fc.constantFrom("[0]", "[-1]", "[1]", "[$ = 1]", '[a = "a"]', "[b]", "[a > 1]"),
    tie("any").map((p) => `[${p}]`),
  ),
  step: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...NAMES) },
    { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...NAMES), tie("predicate")).map(([n, p]) => n + p) },
    { weight: 1, arbitrary: tie("any").map((x) => `(${x})`) },
    { weight: 1, arbitrary: tie("any").map((x) => `{"x": ${x}}`) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom("$string", "$sum", "$count"), tie("path")).map(([fn, p]) => `${fn}(${p})`),
    },
  ),
  path: fc.array(tie("step"), { minLength: 1, maxLength: 3 }).map((steps) => steps.join(".")),
})).any;
