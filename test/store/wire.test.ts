import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call } from "../../engine/store/calls.ts";
import { packGroup, packOutcomes, unpackGroup, unpackOutcomes } from "../../engine/store/wire.ts";
import { newEvent } from "../support/store-fixtures.ts";

/** The group as the thread gets it: posted, so that the bodies' buffer has left this side. */
const sent = (group: readonly Call[]): readonly Call[] => {
  const packed = packGroup(group);
  return unpackGroup(structuredClone(packed, { transfer: [packed.bodies] }));
};

const acceptOf = (bodies: readonly Uint8Array[]): Call => ({
  name: "accept",
  argument: {
    events: bodies.map((body, itemIndex) => newEvent(`e${itemIndex}`, { body, itemIndex })),
    pipelines: bodies.map(() => ["paid"]),
  },
});

const bodiesOf = (call: Call | undefined) =>
  call?.name === "accept" ? call.argument.events.map(({ body }) => body) : [];

describe("packGroup and unpackGroup", () => {
  it("bring every body back byte for byte, whatever pool it was a view of", () => {
    const body = fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(8)).map(([bytes, before]) => {
      const pool = new Uint8Array(before + bytes.length + 3);
      pool.set(bytes, before);
      return pool.subarray(before, before + bytes.length);
    });
    fc.assert(
      fc.property(fc.array(fc.array(body, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), (requests) => {
        const found = sent(requests.map(acceptOf)).map((call) => bodiesOf(call).map((bytes) => [...bytes]));
        expect(found).toEqual(requests.map((bodies) => bodies.map((bytes) => [...bytes])));
      }),
    );
  });

  it("keep calls in their order, frequent and rare ones mixed", () => {
    const group: Call[] = [
      { name: "recover", argument: { at: 1 } },
      acceptOf([Buffer.from("one")]),
      { name: "markAttempt", argument: { delivery: "dlv_1" as never, attempt: 1, at: 2 } },
      { name: "recover", argument: { at: 3 } },
      acceptOf([Buffer.from("two")]),
    ];
    const found = sent(group);
    expect(found.map(({ name }) => name)).toEqual(group.map(({ name }) => name));
    expect(found[3]?.argument).toEqual({ at: 3 });
    expect(bodiesOf(found[4]).map(String)).toEqual([String(new Uint8Array(Buffer.from("two")))]);
  });

  it("let the items of a batch share one body still, and an empty body beside it none", () => {
    const shared = Buffer.from("the batch");
    const [first, second, empty] = bodiesOf(sent([acceptOf([shared, shared, new Uint8Array(0)])])[0]);
    expect(second).toBe(first);
    expect(empty?.byteLength).toBe(0);
  });

  it("bring outcomes back as they were", () => {
    const outcomes = [
      { ok: true, value: [{ kind: "new", id: "evt_1" as never, seq: 7 }] },
      { ok: true, value: null },
      { ok: false, fault: { code: "HK4012", data: { operation: "accept", reason: "x" }, fatal: false } },
    ] as const;
    expect(unpackOutcomes(packOutcomes(outcomes))).toEqual(outcomes);
  });
});
