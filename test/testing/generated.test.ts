import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import type { Evaluator } from "../../engine/core/expression.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { type GeneratedResult, runGenerated } from "../../engine/testing/generated.ts";
import { mutationsOf } from "../../engine/testing/mutations.ts";
import { exampleEnv } from "../support/example-env.ts";
import { loadRevision, revisionOf } from "../support/revision.ts";

const evaluator = createEvaluator({});
afterAll(() => evaluator.close());
const readSample = () => expect.unreachable("no recorded events here");

async function generate(revision: Revision, given: Evaluator = evaluator): Promise<readonly GeneratedResult[]> {
  const results: GeneratedResult[] = [];
  for (const pipeline of revision.pipelines) {
    const generated = await runGenerated(revision, pipeline, { evaluator: given, readSample });
    expect(generated.unreached).toEqual([]);
    results.push(...generated.results);
  }
  return results;
}

const failures = (results: readonly GeneratedResult[]) =>
  results.filter((one) => !one.passed).map((one) => `${one.pipeline}, ${one.name}: ${one.differences.join("; ")}`);

const language = await loadRevision({ root: join(packageRoot, "test/fixtures/language"), env: exampleEnv });

describe("generated tests", () => {
  it("find nothing that a partial payload could do to the shipped pipelines", async () => {
    const results = await generate(await loadRevision({ root: packageRoot, env: exampleEnv }));
    expect(failures(results)).toEqual([]);
    expect(results.length).toBeGreaterThan(150);
  });

  it("find nothing that a partial payload could do to the nine of the language", async () => {
    const results = await generate(language);
    expect(failures(results)).toEqual([]);
    expect(results.length).toBeGreaterThan(300);
  });

  it("catch an engine that takes a value for one that is missing", async () => {
    const changes = language.pipelines.find((one) => one.name === "plan-changes");
    if (changes === undefined) return expect.unreachable("no pipeline");
    const careless: Evaluator = {
      ...evaluator,
      async answer(expressions, scope) {
        const answers = await evaluator.answer(expressions, scope);
        return answers.map((answer) => {
          if (answer.readings.every(({ presence }) => presence === "present")) return answer;
          const readings = answer.readings.map((reading) => ({ ...reading, presence: "present" as const }));
          return { readings, result: { ok: true as const, value: 0 } };
        });
      },
    };
    const found = failures(await generate({ ...language, pipelines: [changes] }, careless)).join("\n");
    expect(found).toMatch(/quantity is absent: subscription\/sub_1\.seats: \d+ became 0 at pipelines\/.*\.yaml:\d+/);
    expect(found).toMatch(/quantity is null: /);
    expect(found).toMatch(/quantity is "": /);
  });

  it("catch a rule that may lower a protected value and does so when a field is missing", async () => {
    const revision = await revisionOf({
      "config.yaml": `
teams: { ops: {} }
sources: { stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: [whsec_dGVzdA] } }
entities: { customer: { attributes: { owed: { type: integer, owner: ops, protected: true } } } }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`,
      "pipelines/owed.yaml": `
pipeline: owed
owner: ops
source: stripe
rules:
  - on: charge.refunded
    lowers: [owed]
    write:
      customer:
        key: customer
        fields:
          owed: "$exists(amount_refunded) ? 7 : 0"
deliver: [{ to: out, entity: customer }]
`,
    });
    expect(failures(await generate(revision))).toEqual([
      expect.stringMatching(/amount_refunded is absent: customer\/cus_1\.owed: 7 became 0 at pipelines\/owed\.yaml:12/),
    ]);
  });

  it("say which rules no sample reaches", async () => {
    const [pipeline] = language.pipelines;
    if (pipeline === undefined) return expect.unreachable("no pipeline");
    const [rule] = pipeline.rules;
    const other = { ...pipeline, rules: [...pipeline.rules, { ...rule, index: 1, on: ["no.such.event"] } as never] };
    const { unreached } = await runGenerated(language, other, { evaluator, readSample });
    expect(unreached).toMatchObject([{ rule: "rule 2, no.such.event" }]);
  });
});

describe("mutationsOf", () => {
  it("removes, nulls, empties and mistypes each member, and takes no member from a list", () => {
    const names = mutationsOf({ a: 1, b: [{ c: "x" }], d: "" }, () => true).map(({ name }) => name);
    expect(names).toEqual([
      "a is absent",
      "a is null",
      'a is ""',
      "a is a text",
      "b is absent",
      "b is null",
      'b is ""',
      "b is an object",
      "b[0] is null",
      'b[0] is ""',
      "b[0] is a list",
      "b[0].c is absent",
      "b[0].c is null",
      'b[0].c is ""',
      "b[0].c is a number",
      "d is absent",
      "d is null",
      "d is a number",
    ]);
  });

  it("leaves alone what the rule does not read", () => {
    const reads = ([first]: readonly string[]) => first === "a";
    expect(mutationsOf({ a: 1, b: 2 }, reads).map(({ name }) => name)).not.toContain("b is null");
  });
});
