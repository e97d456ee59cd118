import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StoredAttribute } from "../../engine/core/record.ts";
import { gateAttribute } from "../../engine/ordering/gate.ts";
import { at, attribute, tiers } from "./support.ts";

const incoming = (time: number, parts: { mayLower?: boolean; pipeline?: string; source?: string } = {}) => ({
  version: at(time, time, 0, parts.source),
  pipeline: parts.pipeline ?? "p",
  mayLower: parts.mayLower ?? false,
});

function play(
  model: ReturnType<typeof attribute>,
  events: readonly { time: number; value: string | number; mayLower: boolean }[],
) {
  let stored: StoredAttribute | undefined;
  for (const event of events) {
    const result = gateAttribute(model, event.value, incoming(event.time, event), stored);
    stored = result.next ?? stored;
  }
  return stored?.value;
}

describe("gateAttribute", () => {
  it("writes the first value it sees", () => {
    expect(gateAttribute(attribute("a"), "x", incoming(1))).toMatchObject({ kind: "write", changed: true });
  });

  it("keeps a newer value against an older event and names what superseded it", () => {
    const stored = { value: "new", version: at(5, 9) };
    expect(gateAttribute(attribute("a"), "old", incoming(4), stored)).toEqual({
      kind: "keep",
      why: "stale",
      supersededBy: at(5, 9),
    });
  });

  it("lets rank decide between events of one instant, and receipt only between events of one rank", () => {
    const stored = { value: "updated", version: at(5, 1, 1) };
    const deleted = { version: at(5, 0, 2), pipeline: "p", mayLower: false };
    const created = { version: at(5, 7, 0), pipeline: "p", mayLower: false };
    expect(gateAttribute(attribute("a"), "deleted", deleted, stored).kind).toBe("write");
    expect(gateAttribute(attribute("a"), "created", created, stored).kind).toBe("keep");
  });

  it("refuses to lower a protected value and lowers it where the rule says so", () => {
    const tier = attribute("tier", { enum: tiers, protected: true });
    const stored = { value: "team", version: at(1, 1) };
    expect(gateAttribute(tier, "pro", incoming(2), stored)).toMatchObject({ kind: "keep", why: "refused" });
    expect(gateAttribute(tier, "pro", incoming(2, { mayLower: true }), stored)).toMatchObject({ kind: "write" });
  });

  it("counts true to false, and blanking, as lowering a protected value", () => {
    const consent = attribute("consent", { type: "boolean", protected: true, clearable: true });
    const stored = { value: true, version: at(1, 1) };
    expect(gateAttribute(consent, false, incoming(2), stored)).toMatchObject({ why: "refused" });
    expect(gateAttribute(consent, null, incoming(2), stored)).toMatchObject({ why: "refused" });
  });

  it("ends in one state for every order of arrival of protected writes", () => {
    const tier = attribute("tier", { enum: tiers, protected: true });
    const event = fc.record({
      time: fc.integer({ min: 1, max: 30 }),
      value: fc.constantFrom(...tiers),
      mayLower: fc.boolean(),
    });
    const events = fc.uniqueArray(event, { selector: (one) => one.time, minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        events.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          const inOrder = [...list].sort((a, b) => a.time - b.time);
          expect(play(tier, shuffled)).toBe(play(tier, inOrder));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("keeps the earliest by the source's clock under write: earliest, whatever the order of arrival", () => {
    const first = attribute("first", { write: "earliest" });
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 }), (times) => {
        const value = play(
          first,
          times.map((time) => ({ time, value: `at ${time}`, mayLower: false })),
        );
        expect(value).toBe(`at ${Math.min(...times)}`);
      }),
    );
  });

  it("only grows under write: up, also when an older event brings the higher value", () => {
    const total = attribute("total", { type: "integer", write: "up" });
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.nat(50), fc.nat(9)), { selector: ([time]) => time, minLength: 1 }),
        (events) => {
          const value = play(
            total,
            events.map(([time, amount]) => ({ time, value: amount, mayLower: false })),
          );
          expect(value).toBe(Math.max(...events.map(([, amount]) => amount)));
        },
      ),
    );
  });

  it("never changes a value under write: once", () => {
    const stored = { value: "self_serve", version: at(9, 9) };
    expect(gateAttribute(attribute("branch", { write: "once" }), "other", incoming(20), stored)).toEqual({
      kind: "keep",
      why: "mode",
    });
  });

  it("lets writers decide between sources, since their clocks say nothing about each other", () => {
    const seats = attribute("seats", { writers: ["billing", "auth"] });
    const byBilling = { value: "5", version: at(1, 1, 0, "stripe"), writer: "billing" };
    const byAuth = { value: "3", version: at(99, 2, 0, "clerk"), writer: "auth" };
    expect(gateAttribute(seats, "3", incoming(99, { pipeline: "auth", source: "clerk" }), byBilling).kind).toBe("keep");
    expect(gateAttribute(seats, "5", incoming(1, { pipeline: "billing", source: "stripe" }), byAuth).kind).toBe(
      "write",
    );
  });
});
