/** A corpus says what the store says: whatever came in, wherever it begins. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { corpusScenario } from "../../engine/plan/corpus.ts";
import { makePlan } from "../../engine/plan/plan.ts";
import { recordCorpus } from "../../engine/plan/record-corpus.ts";
import type { PlanReport } from "../../engine/plan/report.ts";
import { createShown } from "../../engine/plan/shown.ts";
import { openPastStore } from "../../engine/store/read-past.ts";
import { readCorpus, writeCorpus } from "../../engine/testing/corpus.ts";
import { createPseudonyms } from "../../engine/testing/pseudonym.ts";
import { openObjectApi } from "../support/object-api.ts";
import { revisionOf } from "../support/revision.ts";
import { type Bench, files, openBench, start, type TestedEvent } from "../worker/support.ts";
import { changed, customer, type Files, planOver, shop, subscription } from "./support.ts";

let benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches) await bench.close();
  benches = [];
});

async function benchWith(events: readonly Omit<TestedEvent, "id">[], config: Files = shop): Promise<Bench> {
  const bench = await openBench(config);
  benches.push(bench);
  await bench.engine.start();
  for (const [n, event] of events.entries()) {
    bench.clock.set(start + n * 1_000);
    await bench.send({ id: `e${n}`, at: start + n * 1_000 - 500, ...event });
  }
  return bench;
}

/** Records the newest so many by this config, into the bench's folder. */
async function record(bench: Bench, config: Files, last: number): Promise<string> {
  const folder = join(bench.root, `corpus${last}`);
  const revision = await revisionOf(config);
  const evaluator = createEvaluator();
  const store = openPastStore(join(bench.root, "hookrail.db"));
  try {
    const seqs = store.window({ last }).events;
    const { events, entities, differences, left } = await recordCorpus({
      revision,
      evaluator,
      store,
      seqs,
      pseudonyms: ({ prefixes }) => createPseudonyms("key", prefixes),
    });
    expect([differences, [...left]]).toEqual([[], []]);
    writeCorpus(folder, events, { revision: revision.hash, recordedAt: bench.clock.now(), entities });
    return folder;
  } finally {
    store.close();
    await evaluator.close();
  }
}

async function planCorpus(folder: string, configs: { readonly before: Files; readonly after: Files }) {
  const [before, after] = await Promise.all([revisionOf(configs.before), revisionOf(configs.after)]);
  const evaluator = createEvaluator();
  try {
    return await makePlan({
      before,
      after,
      labels: { before: "before", after: "after" },
      scenarios: [corpusScenario(readCorpus(folder), { before, after })],
      basis: { kind: "corpus" },
      shown: createShown({ before, after, key: Buffer.from("key") }),
      evaluator,
    });
  } finally {
    await evaluator.close();
  }
}

const countsOf = <T extends { readonly appear: number; readonly change: number; readonly vanish: number }>(one: T) => {
  const { appear, change, vanish } = one;
  return { appear, change, vanish };
};

/** All of a plan but its values and names. */
const shapeOf = (report: PlanReport) => ({
  events: report.basis.events,
  notFetched: report.basis.notFetched,
  unchanged: report.unchanged,
  pipelines: report.pipelines.map((one) => ({
    pipeline: one.pipeline,
    attributes: one.attributes.map((change) => [
      `${change.entity}.${change.attribute}`,
      change.places,
      countsOf(change),
    ]),
    effects: one.effects.map((change) => [change.connection, change.action, change.event, countsOf(change)]),
    outcomes: one.outcomes.map(({ before, after, count }) => ({ before, after, count })),
  })),
});

const life = [
  customer("c1", { seats: 3, note: "first", email: "ada@lovelace.org" }),
  subscription("s1", { id: "c1", plan: "pro", amount: 100, state: "trial", seats: 3 }),
  subscription("s1", { id: "c1", plan: "pro", amount: 100, state: "active", seats: 4 }),
  customer("c2", { seats: 1, note: "second", email: "bob@babbage.org" }),
  subscription("s2", { id: "c2", plan: "team", amount: 900, state: "active", seats: 9 }),
  { ...customer("c1", { seats: 77 }), at: start - 60_000 },
  subscription("s1", { id: "c1", plan: "team", amount: 900, state: "active", seats: 5 }),
  subscription("s1", { id: "c1", plan: "free", amount: 0, state: "canceled", seats: 5 }),
];

const changes: readonly (readonly [string, string, string])[] = [
  ["nothing", "amount: amount", "amount: amount"],
  ["a row", "amount: amount", "amount: amount + 1"],
  ["a row of an old value", "note: { from: note, on_null: clear }", "note: { value: noted }"],
  ["what is computed from it", "plan: plan,", "plan: { value: pro },"],
  ["a state", "state: { from: state }", "state: active"],
  ["an effect", "on_enter: active, once: true", "on_enter: active"],
  ["a connection", "  - { to: crm, entity: customer }\n", "  - { to: mail, entity: customer }\n"],
];

describe("a plan over a corpus", () => {
  it.each(changes)("says what the store says, wherever the corpus begins: %s", async (_what, from, to) => {
    const bench = await benchWith(life);
    const after = changed(shop, from, to);
    for (let last = 1; last <= life.length; last++) {
      const folder = await record(bench, shop, last);
      const [stored, recorded] = [
        await planOver(bench, { before: shop, after }, { last }),
        await planCorpus(folder, { before: shop, after }),
      ];
      expect([last, shapeOf(recorded)]).toEqual([last, shapeOf(stored)]);
    }
  });

  it("says the same whatever came in", async () => {
    const word = fc.constantFrom("Ada", "ada", "x y", "");
    const id = fc.constantFrom("cus_Ab12", "C-77", "9", "ada@lovelace.org");
    const at = fc.integer({ min: start - 20_000, max: start + 20_000 });
    const event = fc.oneof(
      fc.record({
        type: fc.constant("customer.changed"),
        at,
        data: fc.record(
          { id, seats: fc.option(fc.nat(30)), note: fc.option(word), email: fc.constantFrom("ada@b.org", "A@b.org") },
          { requiredKeys: ["id"] },
        ),
      }),
      fc.record({
        type: fc.constant("subscription.changed"),
        at,
        data: fc.record(
          {
            sub: fc.constantFrom("s1", "s2"),
            id,
            plan: fc.constantFrom("free", "pro", "team", "odd"),
            amount: fc.nat(3_000),
            state: fc.constantFrom("trial", "active", "canceled"),
          },
          { requiredKeys: ["sub", "id", "state"] },
        ),
      }),
    );
    const after = changed(
      changed(shop, "amount: amount", "amount: amount * 2"),
      "note: { from: note, on_null: clear }",
      "note: note",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 2, maxLength: 12 }), fc.nat(11), async (events, skip) => {
        const bench = await benchWith(events as unknown as Omit<TestedEvent, "id">[]);
        const last = Math.max(1, events.length - skip);
        const folder = await record(bench, shop, last);
        const stored = await planOver(bench, { before: shop, after }, { last });
        expect(shapeOf(await planCorpus(folder, { before: shop, after }))).toEqual(shapeOf(stored));
      }),
      { numRuns: 10 },
    );
  });

  it("holds no person, neither in its events nor in what was known before them", async () => {
    const bench = await benchWith(life);
    const folder = await record(bench, shop, 2);
    const state = readFileSync(join(folder, "state.ndjson"), "utf8");
    expect(readCorpus(folder).entities.map(({ record: { type } }) => type)).toEqual(["customer", "subscription"]);
    expect(state).toContain('"plan"');
    expect(state + readFileSync(join(folder, "events.ndjson"), "utf8")).not.toMatch(/ada|lovelace|bob|babbage|first/i);
  });

  it("has what was fetched for its events, under the paths that they lead to now", async () => {
    const api = await openObjectApi();
    try {
      const config = files({
        connections: `crm: { sink: http, url: "${api.url}", allow_private: true, auth: { kind: bearer, token: secret-token } }
out: { sink: file, path: ./out.ndjson }`,
        deliver: "- { to: out }",
        rule: `  - on: customer.changed
    fetch: { connection: crm, path: "/v1/customers/{id}" }
    write:
      customer: { key: $fetched.id, fields: { seats: $fetched.seats, note: $fetched.owner } }`,
      });
      api.put("/v1/customers/cus_lovelace", { id: "cus_lovelace", seats: 5, owner: "Ada Lovelace" });
      const data = { id: "cus_lovelace" };
      const bench = await benchWith([{ data }, { data }], config);
      const folder = await record(bench, config, 2);
      expect(readFileSync(join(folder, "events.ndjson"), "utf8")).not.toMatch(/ada|lovelace/i);
      const after = changed(config, "seats: $fetched.seats", "seats: $fetched.seats + 1");
      const report = await planCorpus(folder, { before: config, after });
      expect(report.basis).toMatchObject({ kind: "corpus", events: 2, notFetched: 0 });
      expect(report.pipelines[0]?.attributes).toMatchObject([
        { attribute: "seats", change: 1, examples: [{ before: "5", after: "6" }] },
      ]);
      expect(api.seen).toHaveLength(2);
    } finally {
      await api.close();
    }
  });
});
