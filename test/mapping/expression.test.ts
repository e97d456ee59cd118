import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CompileOptions, compileExpression } from "../../engine/mapping/expression.ts";

/** Code, what stands under the caret, and the hint of each fault. */
function faults(source: string, options: CompileOptions = { variables: ["line", "event"] }) {
  const compiled = compileExpression(source, options);
  const found = compiled.ok ? compiled.warnings : compiled.faults;
  return found.map((fault) => ({
    code: fault.code,
    at: source.slice(fault.offset, fault.offset + fault.length),
    hint: fault.hint,
  }));
}

describe("compileExpression", () => {
  test.each([
    ["a b", "HK2001", "b"],
    ['status = "x" y', "HK2001", "y"],
    ["a + ", "HK2001", ""],
    ["items[0", "HK2001", ""],
    ['{"a" b}', "HK2001", "b"],
    ["a ! b", "HK2001", "!"],
    ["", "HK2001", ""],
    ["x := 1", "HK2001", "x"],
    ['"open', "HK2001", "n"],
    ["% 3", "HK2001", "3"],
    ["$lowercas(email)", "HK2002", "$lowercas"],
    ["lowercase(email)", "HK2002", "lowercase"],
    ["$lines.quantity", "HK2003", "$lines"],
    ["$eval(text)", "HK2004", "$eval"],
    ["items ~> $shuffle", "HK2004", "$shuffle"],
    ["$random() > 0.5", "HK2004", "$random"],
    ["($sum := 3; $sum)", "HK2005", ":="],
    ["($__x := 3; $__x)", "HK2005", ":="],
    ["a.*", "HK2006", "*"],
    ["**.id", "HK2006", "**"],
    ["$keys(metadata)", "HK2006", "$keys"],
    ["$lookup(metadata, key)", "HK2006", "$lookup"],
    ["metadata ~> $each(function($v){ $v })", "HK2006", "$each"],
    ["a ?? b", "HK2007", "?"],
    ["a ?: b", "HK2007", ":"],
  ])("%s is %s under the caret at %s", (source, code, at) => {
    const [first] = faults(source);
    expect(first?.code).toBe(code);
    if (code !== "HK2007") expect(first?.at).toBe(at);
  });

  test("the nearest function is named", () => {
    expect(faults("$uppercas(a)")[0]?.hint).toBe("did you mean `$uppercase`?");
  });

  test("the nearest variable is named, or those that are known", () => {
    expect(faults("$lin.x")[0]?.hint).toBe("did you mean `$line`?");
    expect(faults("$zebra.x")[0]?.hint).toBe("known here: $event, $line");
  });

  test("all faults of an expression are found at once", () => {
    expect(faults("$lowercas(a) & $nope & b.*").map((fault) => fault.code)).toEqual(["HK2002", "HK2003", "HK2006"]);
  });

  test("names bound inside are known inside, and only there", () => {
    expect(faults("$map(items, function($i){ $i.a })")).toEqual([]);
    expect(faults("( $t := a; $t * 2 )")).toEqual([]);
    expect(faults("items#$n.{ 'n': $n }")).toEqual([]);
    expect(faults("$map(items, function($i){ $i.a }) & $i")[0]?.code).toBe("HK2003");
  });

  test("a default that the missing-data policy hides is a warning, not an error", () => {
    const compiled = compileExpression("plan ?? 'free'");
    expect(compiled.ok && compiled.warnings.map((fault) => [fault.code, fault.severity])).toEqual([
      ["HK2007", "warning"],
    ]);
    expect(faults("a ? b : c")).toEqual([]);
  });

  test("where no policy stands before the result, defaults and dynamic reads do what they say", () => {
    expect(faults("plan ?? 'free'", { missingPolicy: false })).toEqual([]);
    expect(faults("$keys(attributes)", { missingPolicy: false })).toEqual([]);
    expect(faults("$eval(text)", { missingPolicy: false })[0]?.code).toBe("HK2004");
  });

  test("needs: makes a dynamic read allowed, and is itself checked", () => {
    expect(faults("$sum(amounts.*)", { needs: ["amounts.net"] })).toEqual([]);
    expect(faults("$sum(amounts.*)", { needs: ["amounts..net"] })[0]?.code).toBe("HK2001");
  });

  test("where only a path makes sense, anything else is refused", () => {
    expect(faults("id", { functionsAllowed: false })).toEqual([]);
    expect(faults("$uppercase(id)", { functionsAllowed: false })[0]?.code).toBe("HK2009");
  });

  test("text as large as a program, or nested like one, is refused", () => {
    expect(faults("a".repeat(20_000))[0]?.code).toBe("HK2008");
    expect(faults(`${"(".repeat(150)}a${")".repeat(150)}`)[0]?.code).toBe("HK2008");
  });

  test("the expression keeps its source and position and is immutable", () => {
    const position = { file: "pipelines/x.yaml", line: 3, column: 7 };
    const compiled = compileExpression("a.b", { position });
    expect(compiled.ok && compiled.expression).toMatchObject({ source: "a.b", position, fast: true });
    expect(compiled.ok && Object.isFrozen(compiled.expression) && Object.isFrozen(compiled.expression.inputs)).toBe(
      true,
    );
  });
});

describe("the fast path", () => {
  const usual = [
    "$lowercase($line.work_email.email)",
    "answers{field.ref: $}",
    "lines.data[parent.subscription_item_details.proration = false][-1]",
    "$sum(items.data.quantity)",
    'amount_paid > 0 and billing_reason != "manual"',
  ];
  test.each(usual)("takes %s, which a pipeline really uses", (source) => {
    const compiled = compileExpression(source, { variables: ["line"] });
    expect(compiled.ok && compiled.expression.fast).toBe(true);
  });

  test.each(["items^(price)[0]", "$map(items, function($i){ $i.a })", "$replace(a, /b/, 'c')", "a.b[]", "$now('[Y]')"])(
    "leaves %s to the interpreter",
    (source) => {
      const compiled = compileExpression(source);
      expect(compiled.ok && compiled.expression.fast).toBe(false);
    },
  );
});

test("each code of this room is thrown or reported somewhere in the engine", () => {
  const engine = new URL("../../engine/", import.meta.url);
  const read = (file: string) => readFileSync(new URL(file, engine), "utf8");
  const files = readdirSync(engine, { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => file.endsWith(".ts") && !file.includes("errors")).map(read);
  const catalogue = read("core/errors/mapping.ts") + read("core/errors/contracts.ts");
  const codes = [...catalogue.matchAll(/^ {2}(HK\d{4}):/gm)].map((match) => match[1] as string);
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !sources.some((source) => source.includes(`"${code}"`)))).toEqual([]);
});
