import { afterAll, describe, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { describePair, proveTrace, type TraceOptions, type TraceResult } from "../../engine/testing/traces.ts";
import { revisionOf } from "../support/revision.ts";

const evaluator = createEvaluator({});
afterAll(() => evaluator.close());

const config = (attributes: string, states = "") => `
teams: { ops: {} }
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: [whsec_dGVzdA] }
entities:
  customer: { attributes: ${attributes} ${states} }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`;

const pipeline = (rules: string, events: string) => `
pipeline: moves
owner: ops
source: stripe
rules:
${rules}
deliver: [{ to: out, entity: customer }]
traces:
  - name: a trace
    events:
${events}
`;

async function prove(
  revision: Revision,
  options: Partial<TraceOptions> = {},
): Promise<TraceResult & { lines: string[] }> {
  const [model] = revision.pipelines;
  const trace = model?.traces[0];
  if (model === undefined || trace === undefined) return expect.unreachable("no trace");
  const readSample = () => expect.unreachable("no recorded events");
  const defaults = { evaluator, readSample, maxWorlds: 1_000, controls: 2, seed: 1 };
  const result = await proveTrace(revision, model, trace, { ...defaults, ...options });
  return { ...result, lines: result.pair === undefined ? [] : describePair(result.pair, trace) };
}

const amount = `  - on: charge.refunded
    write: { customer: { key: customer, fields: { amount: amount_refunded } } }`;

describe("proveTrace", () => {
  it("passes what the source's clock orders, whatever the order of arrival", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        `      - charge.refunded
      - { sample: charge.refunded, at: +1s, set: { amount_refunded: 2 } }
      - { sample: charge.refunded, at: +2s, set: { amount_refunded: 1 } }`,
      ),
    });
    const result = await prove(revision);
    expect(result).toMatchObject({ passed: true, orders: 6, withOneTwice: 36, controls: 2, untaken: [], lines: [] });
    // Six orders share their beginnings: of 15 arrivals that differ, and the repeats of each, nothing is run twice.
    expect(result.steps).toBeLessThan(40);
  });

  it("shows the first two orders that end differently, the value in each and what wrote it", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        `      - charge.refunded
      - { sample: charge.refunded, at: +1s, set: { amount_refunded: 2 } }
      - { sample: charge.refunded, at: +1s, set: { amount_refunded: 3 } }`,
      ),
    });
    const result = await prove(revision);
    expect(result.passed).toBe(false);
    // Nothing but receipt can tell the second from the third: they share a second of Stripe's clock.
    expect(result.lines).toEqual([
      "arrived 1, 2, 3 against 1, 3, 2",
      "customer cus_1.amount: 3 (event 3 charge.refunded at pipelines/moves.yaml:7) against 2 (event 2 charge.refunded at pipelines/moves.yaml:7)",
      "customer cus_1.amount at out: 3 (event 3 charge.refunded at pipelines/moves.yaml:7) against 2 (event 2 charge.refunded at pipelines/moves.yaml:7)",
    ]);
  });

  it("never shows a sensitive value", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops, sensitive: true } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        `      - { sample: charge.refunded, set: { amount_refunded: 77001 } }
      - { sample: charge.refunded, set: { amount_refunded: 77002 } }`,
      ),
    });
    const { lines } = await prove(revision);
    expect(lines.join("\n")).toContain("(sensitive)");
    expect(lines.join("\n")).not.toContain("7700");
  });

  it("does not compare `write: once`, by which the author has said that the first to arrive stays", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops, write: once } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        `      - charge.refunded
      - { sample: charge.refunded, at: +1s, set: { amount_refunded: 2 } }`,
      ),
    });
    expect(await prove(revision)).toMatchObject({ passed: true });
  });

  const table = "states: { trialing: [active], active: [canceled], canceled: [] }";
  const moves = `  - on: customer.subscription.created
    write: { customer: { key: customer, state: trialing } }
  - on: customer.subscription.updated
    write: { customer: { key: customer, state: active } }
  - on: customer.subscription.deleted
    write: { customer: { key: customer, state: canceled } }`;

  it("applies a held event when its predecessor comes", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }", `, ${table}`),
      "pipelines/moves.yaml": pipeline(
        `${moves}
  - on: charge.refunded
    write: { customer: { key: customer, unknown: hold, fields: { amount: amount_refunded } } }`,
        `      - customer.subscription.created
      - { sample: charge.refunded, at: +1s }
      - { sample: charge.refunded, at: +2s, set: { amount_refunded: 4 } }`,
      ),
    });
    expect(await prove(revision, { controls: 6 })).toMatchObject({ passed: true, controls: 6 });
  });

  it("finds an event that one order leaves waiting, and another does not", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }", `, ${table}`),
      "pipelines/moves.yaml": pipeline(
        moves,
        `      - customer.subscription.created
      - { sample: customer.subscription.deleted, at: +1s }`,
      ),
    });
    const result = await prove(revision);
    expect(result.passed).toBe(false);
    expect(result.lines).toEqual([
      "arrived 1, 2 against 2, 1",
      expect.stringContaining(
        "customer cus_1.state: trialing (event 1 customer.subscription.created) against canceled",
      ),
      expect.stringContaining("event 2 in moves: held against nothing"),
      expect.stringContaining("at out"),
    ]);
  });

  it("names events that nobody takes, since the trace then proves less than it seems to", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        `      - charge.refunded
      - customer.subscription.deleted
      - { sample: charge.refunded, signature: invalid }`,
      ),
    });
    expect(await prove(revision)).toMatchObject({
      passed: false,
      untaken: [
        { position: 1, why: "no pipeline listens to it" },
        { position: 2, why: "it was answered with 401 (unauthorized)" },
      ],
    });
  });

  it("samples by the seed when there are too many worlds, and says so", async () => {
    const revision = await revisionOf({
      "config.yaml": config("{ amount: { type: integer, owner: ops } }"),
      "pipelines/moves.yaml": pipeline(
        amount,
        [1, 2, 3, 4, 5]
          .map((i) => `      - { sample: charge.refunded, at: +${i}s, set: { amount_refunded: ${i} } }`)
          .join("\n"),
      ),
    });
    const sampled = await prove(revision, { maxWorlds: 3, seed: 7 });
    expect(sampled).toMatchObject({ passed: true, sampledBy: 7 });
    expect(await prove(revision, { maxWorlds: 3, seed: 7 })).toEqual(sampled);
    expect(await prove(revision)).not.toHaveProperty("sampledBy");
  });
});
