import { afterAll, describe, expect, test } from "vitest";
import type { Evaluator, Expression, Scope } from "../../engine/core/expression.ts";
import type { Json } from "../../engine/core/types.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { compileExpression } from "../../engine/mapping/expression.ts";

const evaluator = createEvaluator();
afterAll(() => evaluator.close());

function compile(source: string): Expression {
  const compiled = compileExpression(source, { variables: ["line", "event", "big"], needs: [] });
  if (!compiled.ok) throw new Error(compiled.faults.map((fault) => fault.message).join("; "));
  return compiled.expression;
}

const scopeOf = (input: Json, variables: Scope["variables"] = {}): Scope => ({
  input,
  variables,
  receivedAt: Date.UTC(2026, 10, 24, 7),
});

const evaluate = async (source: string, input: Json = {}, by: Evaluator = evaluator) =>
  by.evaluate(compile(source), scopeOf(input));

describe("evaluate", () => {
  test("a compiled expression is answered at once", () => {
    expect(evaluator.evaluate(compile("a.b"), scopeOf({ a: { b: 1 } }))).toEqual({ ok: true, value: 1 });
  });

  test("any other goes to the interpreter", async () => {
    const answer = evaluator.evaluate(
      compile("items^(>price)[0].id"),
      scopeOf({
        items: [
          { id: "x", price: 1 },
          { id: "y", price: 2 },
        ],
      }),
    );
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toEqual({ ok: true, value: "y" });
  });

  test("a compiled expression that meets what only the interpreter knows is answered by it", async () => {
    const answer = evaluator.evaluate(compile("$fromMillis(at)"), scopeOf({ at: -1 }));
    expect(await answer).toEqual({ ok: true, value: "1969-12-31T23:59:59.999Z" });
  });

  test.each(["$now()", "$now('[Y0001]')", "$millis()", "$millis() & $string([1][])"])(
    "%s is the instant of receipt, in either engine",
    async (source) => {
      const answer = await evaluate(source);
      expect(answer.ok && String(answer.value)).toMatch(/^(2026-11-24T07:00:00.000Z|2026|1795503600000(\[1\])?)$/);
    },
  );

  test.each([
    ["1/0", "HK2013"],
    ["0/0", "HK2013"],
    ["$lowercase", "HK2013"],
    ["function($x){ $x }", "HK2013"],
    ["a + 'x'", "HK2010"],
    ["$replace(a, /x/, 'y')", "HK2010"],
    ['$pad("x", 300000)', "HK2014"],
    ["[1..200000]", "HK2015"],
    ["($f := function($n){ 1 + $f($n) }; $f(1))", "HK2015"],
  ])("%s fails as %s", async (source, code) => {
    const answer = await evaluate(source, { a: 5 });
    expect(answer.ok ? answer : answer.code).toBe(code);
  });

  test("messages name the expression and never a value of the payload", async () => {
    for (const source of [
      "secret + 1",
      "$replace(secret, 1, 2)",
      "$number(secret)",
      "$map([1], function($i){ $i + secret })",
    ]) {
      const answer = await evaluate(source, { secret: "s3cr3t-value" });
      expect(answer.ok).toBe(false);
      expect(JSON.stringify(answer)).not.toContain("s3cr3t-value");
    }
  });

  test("the interpreter's writes reach neither the payload nor the next expression", async () => {
    const input: Json = { items: [], list: [{ a: 1 }] };
    const before = structuredClone(input);
    const sources = ["list[].a", "items{a: $}", "list[]", "$count(items[]) + $count(list)", "$ ~> |list|{'a': 9}|"];
    const answers = await evaluator.answer(sources.map(compile), scopeOf(input));
    expect(answers.map((answer) => answer.result.ok && answer.result.value)).toEqual([
      [1],
      {},
      [{ a: 1 }],
      1,
      { items: [], list: [{ a: 9 }] },
    ]);
    expect(input).toEqual(before);
  });

  test("data that poses as a function is data, without the key that posed", async () => {
    const input: Json = { a: { _jsonata_function: true, implementation: "x", b: 1 } };
    expect(await evaluate("$string(a[])", input)).toEqual({ ok: true, value: '[{"implementation":"x","b":1}]' });
    expect(await evaluate("a.b", input)).toEqual({ ok: true, value: 1 });
  });

  test("results are plain: no prototype is written, no list keeps marks", async () => {
    const answer = await evaluate('{"__proto__": {"polluted": 1}, "x": $map([1, 2], function($i){ $i })}');
    expect(answer.ok && JSON.stringify(answer.value)).toBe('{"x":[1,2]}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test("the slow expressions of one event are one batch, in which the fast ones have no part", async () => {
    const sources = ["a", "$map(list, function($i){ $i * 2 })", "$uppercase(b)", "list^(>$)[0]"];
    const answers = await evaluator.answer(sources.map(compile), scopeOf({ a: 1, b: "x", list: [1, 3, 2] }));
    expect(answers.map((answer) => answer.result.ok && answer.result.value)).toEqual([1, [2, 6, 4], "X", 3]);
    expect(answers.map((answer) => answer.readings.map((reading) => reading.presence))).toEqual([
      ["present"],
      ["present"],
      ["present"],
      ["present"],
    ]);
  });

  test("a payload that is a list is one value to `$`", async () => {
    for (const source of ["$sum($)", "$sum($[])", "$[0]", "$count($$)"]) {
      const slow = await evaluate(`(${source})~>$string`, [4, 5]);
      const answer = await evaluate(source, [4, 5]);
      expect(answer.ok && String(answer.value)).toBe(slow.ok && slow.value);
    }
  });
});

describe("hostile expressions", () => {
  const hostile: readonly [string, string][] = [
    ["a regular expression that backtracks", "$contains(text, /^(a+)+$/)"],
    ["a text of half a gigabyte", '$length($pad("x", 500000000))'],
    ["recursion that ends only with the stack", "($f := function($n){ $f($n + 1) + 1 }; $f(0))"],
    ["a loop of tail calls", "($f := function($n){ $f($n + 1) }; $f(0))"],
    [
      "a text that doubles",
      '($f := function($s, $n){ $n = 0 ? $length($s) : $f($s & $s, $n - 1) }; $f("xxxxxxxxxxxxxxxx", 40))',
    ],
    ["a list that multiplies", "$count([1..1000].([1..1000].([1..1000])))"],
  ];

  test.each(hostile)("%s is stopped, and the next event is served", async (_title, source) => {
    const answer = await evaluate(source, { text: `${"a".repeat(40)}b` });
    expect(answer.ok ? "no failure" : answer.code).toMatch(/^HK201[0-5]$/);
    expect(await evaluate("$map(list, function($i){ $i + 1 })", { list: [1] })).toEqual({ ok: true, value: 2 });
  });

  test("what is killed at the deadline names the expression that ran, not its neighbours", async () => {
    const sources = ["$map(list, function($i){ $i })", "$contains(text, /^(a+)+$/)", "$uppercase(text)"];
    const answers = await evaluator.answer(sources.map(compile), scopeOf({ list: [1], text: `${"a".repeat(40)}b` }));
    const [, killed, fast] = answers.map((answer) => answer.result);
    expect(killed).toMatchObject({ ok: false, code: "HK2011", message: expect.stringContaining("/^(a+)+$/") });
    expect(fast).toMatchObject({ ok: true });
  });

  test("batches that wait behind a killed one are answered", async () => {
    const killed = evaluate("$contains(text, /^(a+)+$/)", { text: `${"a".repeat(40)}b` });
    const waiting = [1, 2, 3].map((n) => evaluate("$map(list, function($i){ $i * 10 })", { list: [n] }));
    expect((await killed).ok).toBe(false);
    expect(await Promise.all(waiting)).toEqual([10, 20, 30].map((value) => ({ ok: true, value })));
  });

  test("the main thread keeps turning while an expression burns", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    await evaluate("$contains(text, /^(a+)+$/)", { text: `${"a".repeat(40)}b` });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

describe("createEvaluator", () => {
  test("a thread that can not start is a failure of the evaluation, not of the engine", async () => {
    const broken = createEvaluator({ hostUrl: new URL("file:///nowhere/host.ts") });
    expect(await evaluate("a[]", {}, broken)).toMatchObject({ ok: false, code: "HK2012" });
    expect(await evaluate("a", { a: 1 }, broken)).toEqual({ ok: true, value: 1 });
    await broken.close();
  });

  test("after close, what needs a thread fails and what does not is answered", async () => {
    const closed = createEvaluator();
    const open = evaluate("a[]", { a: 1 }, closed);
    await closed.close();
    expect(await open).toMatchObject({ ok: false, code: "HK2012" });
    expect(await evaluate("a[]", { a: 1 }, closed)).toMatchObject({ ok: false, code: "HK2012" });
    expect(await evaluate("a", { a: 1 }, closed)).toEqual({ ok: true, value: 1 });
  });
});

describe("read", () => {
  const presence = async (source: string, input: Json) =>
    (await evaluator.read(compile(source), scopeOf(input))).map((reading) => reading.presence);

  test.each<[string, Json, string]>([
    ["a.b", {}, "absent"],
    ["a.b", { a: { b: null } }, "null"],
    ["a.b", { a: { b: "" } }, "empty"],
    ["a.b", { a: { b: " \t" } }, "empty"],
    ["a.b", { a: { b: 0 } }, "present"],
    ["a.b", { a: { b: false } }, "present"],
    ["a.b", { a: { b: [] } }, "present"],
    ["a.b", { a: [] }, "absent"],
    ["a.b", { a: [{ b: 1 }, {}] }, "present"],
    ["a.b", { a: [{ b: null }, { b: "" }] }, "null"],
    ["$sum(a.b)", { a: [{ b: 1 }, { b: 2 }] }, "present"],
    ["$sum(a.b)", { a: [{ b: 1 }, {}] }, "absent"],
    ["$sum(a.b)", { a: [{ b: 1 }, { b: null }] }, "null"],
    ["$sum(a.b)", { a: [] }, "absent"],
    ["$sum(a)", { a: [] }, "present"],
    ["$sum(a[t = 1].b)", { a: [{ t: 1, b: 1 }, { t: 2 }] }, "present"],
    ["$sum(a[t = 1].b)", { a: [{ t: 1 }, { t: 1, b: 1 }] }, "absent"],
    ["$sum(a^(t).b)", { a: [{ t: 1 }, { t: 2, b: 1 }] }, "absent"],
    [
      "$sum(a^(t).b)",
      {
        a: [
          { t: 1, b: 2 },
          { t: 2, b: 1 },
        ],
      },
      "present",
    ],
    ["a[0].b", { a: [{}, { b: 1 }] }, "absent"],
    ["a[t < 1].b", { a: [{ t: "text" }] }, "present"],
    ["$exists(a)", {}, "absent"],
  ])("%s of %j is %s", async (source, input, expected) => {
    expect(await presence(source, input)).toEqual([expected]);
  });

  test("the value read is kept for explain", async () => {
    const [reading] = await evaluator.read(compile("a.b"), scopeOf({ a: [{ b: 1 }, { b: 2 }] }));
    expect(reading?.value).toEqual([1, 2]);
  });
});
