import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call } from "../../engine/store/calls.ts";
import { packGroup, packOutcomes, unpackGroup, unpackOutcomes } from "../../engine/store/wire.ts";
import { audit, newEvent } from "../support/store-fixtures.ts";

const bytes = fc.uint8Array({ maxLength: 40 });
const accept = fc
  .record({ bodies: fc.array(bytes, { maxLength: 4 }), name: fc.string({ unit: "binary" }), shared: fc.boolean() })
  .map(({ bodies, name, shared }): Call => {
    const events = bodies.map((body, n) => newEvent(`${name}${n}`, { body: shared ? (bodies[0] ?? body) : body }));
    return { name: "accept", argument: { events, pipelines: events.map(() => [name]) } };
  });
const other = fc.constant<Call>({ name: "clearPause", argument: { kind: "pipeline", name: "p", audit: audit() } });

function withPlainBodies(call: Call): unknown {
  if (call.name !== "accept") return call;
  return {
    ...call,
    argument: { ...call.argument, events: call.argument.events.map((one) => ({ ...one, body: [...one.body] })) },
  };
}

describe("packGroup", () => {
  it("comes out as it went in, calls in their order and bodies byte for byte", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(accept, other), { maxLength: 8 }), (group) => {
        const packed = packGroup(group);
        // What posting does: the buffer is handed over, the rest is cloned.
        const sent = structuredClone(packed, { transfer: [packed.bodies] });
        expect(unpackGroup(sent).map(withPlainBodies)).toEqual(group.map(withPlainBodies));
      }),
    );
  });

  it("lets the items of a batch share their body on the other side too", () => {
    const body = new Uint8Array([1, 2, 3]);
    const events = [newEvent("a", { body }), newEvent("b", { body })];
    const packed = packGroup([{ name: "accept", argument: { events, pipelines: [[], []] } }]);
    const [call] = unpackGroup(packed);
    expect(packed.bodies.byteLength).toBe(3);
    if (call?.name !== "accept") throw new Error("not an accept");
    expect(call.argument.events[0]?.body).toBe(call.argument.events[1]?.body);
  });
});

describe("packOutcomes", () => {
  it("keeps values and faults", () => {
    const outcomes = [
      { ok: true, value: null },
      { ok: true, value: [{ kind: "conflict", of: "evt_1" as never }] },
      { ok: false, fault: { code: "HK4008", data: { a: 1 }, fatal: false } },
    ] as const;
    expect(unpackOutcomes(packOutcomes(outcomes))).toEqual(outcomes);
  });
});
