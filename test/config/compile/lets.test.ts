import { beforeAll, describe, expect, it } from "vitest";
import { baseConfig, brief, type Check, createCheck, pipelineOf } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file"]);
});

const fragments = `fragments:
  paid-line:
    line: lines.data[proration = false][-1]
    price: $line.price
  amount:
    euros: amount_paid / 100
  of-item:
    sku: $item.sku
`;

const config = (more = fragments) => baseConfig.replace("tables:\n", `${more}tables:\n`);
const write = "      customer: { key: customer, fields: { note: $price } }\n";

function load(rule: string, own = write) {
  const pipeline = pipelineOf({ write: own }).replace("    write:\n", `${rule}    write:\n`);
  return check({ "config.yaml": config(), "pipelines/paid.yaml": pipeline });
}

const letsOf = (loaded: ReturnType<Check>) =>
  loaded.revision?.pipelines[0]?.rules[0]?.lets.map(({ name, fragment, expression }) => [
    name,
    fragment ?? "-",
    `${expression.position?.file}:${expression.position?.line}`,
  ]);

describe("fragments of `let:`", () => {
  it("bring their names in their order, each with its own place and the fragment's name", () => {
    const loaded = load("    let:\n      - paid-line\n      - seats: $line.quantity\n      - amount\n");
    expect(brief(loaded).filter((one) => one.startsWith("error"))).toEqual([]);
    expect(letsOf(loaded)).toEqual([
      ["line", "paid-line", "config.yaml:8"],
      ["price", "paid-line", "config.yaml:9"],
      ["seats", "-", "pipelines/paid.yaml:8"],
      ["euros", "amount", "config.yaml:11"],
    ]);
  });

  it("may be taken in alone, by their name", () => {
    expect(letsOf(load("    let: paid-line\n"))?.map(([name]) => name)).toEqual(["line", "price"]);
  });

  it("read what the rule has where it takes them in: the names before, and `$item` of `each`", () => {
    const own = "      customer: { key: customer, fields: { note: $sku } }\n";
    const inEach = load("    each: lines.data\n    let: of-item\n", own);
    expect(brief(inEach, "config.yaml").filter((one) => one.startsWith("error"))).toEqual([]);
    const without = load("    let: of-item\n", own);
    expect(brief(without, "config.yaml")).toContain("error HK2003 13:10");
    expect(without.diagnostics.find((one) => one.code === "HK2003")?.related?.span).toMatchObject({
      file: "pipelines/paid.yaml",
      line: 6,
    });
  });

  it("are told once, however many rules take in one that is wrong", () => {
    const wrong = config("fragments:\n  bad:\n    price: $nope\n");
    const one = pipelineOf({ write }).replace("    write:\n", "    let: bad\n    write:\n");
    const loaded = check({
      "config.yaml": wrong,
      "pipelines/a.yaml": one,
      "pipelines/b.yaml": one.replace("pipeline: paid", "pipeline: second"),
    });
    expect(brief(loaded, "config.yaml").filter((found) => found.includes("HK2003"))).toHaveLength(1);
  });

  it("warn of one that no rule takes in, and not of what a rule would have to bring", () => {
    const loaded = load("    let: paid-line\n");
    expect(brief(loaded, "config.yaml")).toEqual(["warning HK1278 10:3", "warning HK1278 12:3"]);
  });

  it.each([
    ["another kind of value", "    let: [paid-line, 5]\n", "HK1011"],
    ["an expression without a name", "    let: lines.data\n", "HK1277"],
    ["a name that is no variable", "    let:\n      - paid-line\n      - my-name: id\n", "HK1015"],
    ["a fragment taken in twice", "    let: [paid-line, paid-line]\n", "HK1279"],
  ])("refuse %s", (_what, rule, code) => {
    const loaded = load(rule);
    expect(loaded.revision).toBeUndefined();
    expect(loaded.diagnostics.map((one) => one.code)).toContain(code);
  });
});
