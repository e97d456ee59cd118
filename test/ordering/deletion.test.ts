/** A deletion anywhere among the events of an entity: every order of arrival ends in what the events say, read by version. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EntityModel } from "../../engine/core/entity.ts";
import { refKey } from "../../engine/core/record.ts";
import type { Json } from "../../engine/core/types.ts";
import { at, attribute, createWorld, entity, tiers, write } from "./support.ts";

const person = entity(
  "person",
  [
    attribute("name"),
    attribute("note", { clearable: true }),
    attribute("tier", { enum: tiers, protected: true }),
    attribute("consent", { type: "boolean", protected: true }),
    attribute("came_from", { write: "earliest" }),
    attribute("score", { type: "integer", write: "up" }),
    attribute("branch", { write: "once" }),
  ],
  { states: ["lead", "customer", "lost"], deletable: true },
);
const models: ReadonlyMap<string, EntityModel> = new Map([["person", person]]);

interface Change {
  readonly kind: "set";
  readonly set: Readonly<Record<string, Json>>;
  readonly state?: string;
  readonly lowers?: true;
}
type Event = Change | { readonly kind: "touch" } | { readonly kind: "delete" };

/** Events by time; the place in the list is the version. */
type Story = readonly Event[];

const ref = { type: "person", key: "p1" };

const fieldsOf = (set: Readonly<Record<string, Json>>) =>
  Object.entries(set).map(([name, value]) => ({
    attribute: name,
    ...(value === null ? { clear: true as const } : { set: value }),
    mapping: "p.yaml:1",
  }));

async function arrive(story: Story, order: readonly number[]) {
  const world = createWorld(models);
  for (const [receipt, index] of order.entries()) {
    const event = story[index] as Event;
    const parts =
      event.kind === "delete"
        ? { delete: "tombstone" as const }
        : event.kind === "touch"
          ? {}
          : { fields: fieldsOf(event.set), ...(event.state === undefined ? {} : { state: event.state }) };
    const decision = await world.step(at(index + 1, receipt + 1), [write("person", "p1", parts)], {
      lowers: new Set(event.kind === "set" && event.lowers ? ["tier"] : []),
    });
    // What late events are judged against is kept also of what is skipped.
    if (decision.kind === "skip") for (const { record } of decision.writes) world.records.set(refKey(record), record);
    expect(["apply", "skip"]).toContain(decision.kind);
  }
  return world;
}

/** What is left after the last deletion, folded by version; `once` is what came first of it. */
function fold(story: Story, order: readonly number[]) {
  const end = story.findLastIndex((one) => one.kind === "delete");
  const alive = story.slice(end + 1);
  if (end !== -1 && alive.length === 0) return "deleted";
  const values: Record<string, Json> = {};
  let state = "unknown";
  for (const event of alive) {
    if (event.kind !== "set") continue;
    state = event.state ?? state;
    for (const [name, value] of Object.entries(event.set)) {
      const there = values[name];
      if (name === "came_from" || name === "branch") values[name] ??= value;
      else if (name === "score") values[name] = Math.max(Number(there ?? 0), Number(value));
      else if (name === "consent") values[name] = there === true || value === true;
      else if (name !== "tier") values[name] = value;
      else if (there === undefined || event.lowers || tiers.indexOf(String(value)) >= tiers.indexOf(String(there)))
        values[name] = value;
    }
  }
  const first = order.find((index) => index > end && "branch" in ((story[index] as { set?: object }).set ?? {}));
  const branch = first === undefined ? undefined : (story[first] as { set: Record<string, Json> }).set["branch"];
  return { state, values: { ...values, ...(branch === undefined ? {} : { branch }) } };
}

async function endOf(story: Story, order: readonly number[]) {
  const world = await arrive(story, order);
  const record = world.get("person", "p1");
  return record?.tombstone === undefined ? { state: record?.state, values: world.values(ref) } : "deleted";
}

const set = fc.record(
  {
    name: fc.constantFrom("a", "b"),
    note: fc.constantFrom("x", "y", null),
    tier: fc.constantFrom(...tiers),
    consent: fc.boolean(),
    came_from: fc.constantFrom("ad", "friend", "search"),
    score: fc.integer({ min: 1, max: 9 }),
    branch: fc.constantFrom("left", "right"),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, Json>>;
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .record({ set, state: fc.constantFrom(undefined, "lead", "customer", "lost"), lowers: fc.boolean() })
      .map(
        ({ set: values, state, lowers }): Event => ({
          kind: "set",
          set: values,
          ...(state === undefined ? {} : { state }),
          ...(lowers ? { lowers: true as const } : {}),
        }),
      ),
  },
  { weight: 1, arbitrary: fc.constant<Event>({ kind: "touch" }) },
  { weight: 3, arbitrary: fc.constant<Event>({ kind: "delete" }) },
);
const arrivals = fc
  .array(event, { minLength: 2, maxLength: 7 })
  .chain((story) =>
    fc.tuple(
      fc.constant(story),
      fc.shuffledSubarray([...story.keys()], { minLength: story.length, maxLength: story.length }),
    ),
  );

describe("a deletion", () => {
  it("ends in one state, wherever it stands among the events and whenever it comes", async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ([story, order]) => {
        expect(await endOf(story, order)).toEqual(fold(story, order));
      }),
      { numRuns: 3_000 * Number(process.env["HOOKRAIL_FAULT_FACTOR"] ?? "1") },
    );
  }, 60_000);

  const alive: Story = [
    { kind: "set", set: { name: "old", score: 9, came_from: "ad", branch: "left" }, state: "lead" },
    { kind: "delete" },
    { kind: "set", set: { score: 3, came_from: "friend", branch: "right" } },
  ];

  it("that comes late takes what is older and leaves what is newer", async () => {
    const world = await arrive(alive, [0, 2, 1]);
    expect(world.values(ref)).toEqual({ score: 3, came_from: "friend", branch: "right" });
    expect(world.get("person", "p1")).toMatchObject({ state: "unknown" });
    expect(world.get("person", "p1")?.tombstone).toBeUndefined();
  });

  it("makes stale what comes after it from before it, also in one that lives again, and is named", async () => {
    const world = await arrive(alive, [1, 2]);
    const late = await world.step(at(1, 3), [write("person", "p1", { set: { name: "old" } })]);
    expect(late).toMatchObject({ kind: "skip", reason: "stale", supersededBy: 1 });
    expect(world.values(ref)?.["name"]).toBeUndefined();
  });

  it("is not outlived by an event of another clock that came before it", async () => {
    const world = createWorld(models);
    await world.step(at(9, 1, 0, "desk"), [write("person", "p1", { set: { note: "x" } })]);
    await world.step(at(2, 2), [write("person", "p1", { delete: "tombstone" })]);
    expect(world.get("person", "p1")?.tombstone).toBeDefined();
    await world.step(at(1, 3, 0, "desk"), [write("person", "p1", { set: { note: "y" } })]);
    expect(world.values(ref)).toEqual({ note: "y" });
  });

  it("is remembered of little: sixteen values at most that could come out from under it", async () => {
    const world = createWorld(models);
    for (let n = 1; n <= 60; n++)
      await world.step(at(n, n), [write("person", "p1", { set: { came_from: `c${n}`, score: 100 - n } })]);
    const attributes = world.get("person", "p1")?.attributes;
    expect(attributes?.["came_from"]).toMatchObject({ value: "c1" });
    expect(attributes?.["came_from"]?.ladder).toHaveLength(16);
    expect(attributes?.["score"]?.ladder?.length).toBeLessThanOrEqual(16);
    await world.step(at(50.5, 61), [write("person", "p1", { delete: "tombstone" })]);
    expect(world.values(ref)).toEqual({ came_from: "c51", score: 49 });
  });
});
