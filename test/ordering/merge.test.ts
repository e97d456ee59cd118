import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EntityModel } from "../../engine/core/entity.ts";
import type { EntityRecord } from "../../engine/core/record.ts";
import type { Json } from "../../engine/core/types.ts";
import type { StepWrite } from "../../engine/ordering/step.ts";
import { at, attribute, createWorld, entity, tiers, write } from "./support.ts";

const person = (merge?: EntityModel["merge"]) =>
  entity(
    "person",
    [
      attribute("note", { clearable: true }),
      attribute("plan", { enum: tiers, protected: true }),
      attribute("source", { write: "earliest" }),
      attribute("score", { type: "integer", write: "up" }),
      attribute("deals", { type: "integer", rollup: { childType: "deal", take: "count" } }),
    ],
    {
      ids: ["id", "email", "phone"],
      states: ["lead", "customer", "gone"],
      children: ["deal"],
      ...(merge === undefined ? {} : { merge }),
    },
  );
const deal = entity("deal", [attribute("size", { type: "integer" })], { parent: "person" });

const world = (merge: EntityModel["merge"] | undefined = "oldest") =>
  createWorld(
    new Map([
      ["person", person(merge)],
      ["deal", deal],
    ]),
  );
type World = ReturnType<typeof world>;

/** One event, as the resolver would hand it over: keys of merged ones lead to the one that stays, links know their owner. */
async function happen(
  { records, step }: World,
  event: {
    time: number;
    seq: number;
    key: string;
    set?: Record<string, Json>;
    state?: string;
    link?: Record<string, string>;
    deal?: string;
  },
) {
  const follow = (key: string): string => {
    const into = records.get(`person/${key}`)?.tombstone?.mergedInto;
    return into === undefined ? key : follow(into);
  };
  const ownerOf = (idName: string, value: string): string | undefined => {
    const all = [...records.values()].filter((one) => one.type === "person");
    const owner = all.find((one) => one.ids[idName] === value);
    return owner?.key ?? aliases.get(`${idName}=${value}`);
  };
  const aliases = aliasesOf(records);
  const links = Object.entries(event.link ?? {}).map(([idName, value]) => {
    const owner = ownerOf(idName, value);
    return { idName, value, ...(owner === undefined ? {} : { owner: follow(owner) }) };
  });
  const writes: StepWrite[] = [
    write("person", follow(event.key), {
      links,
      ...(event.set && { set: event.set }),
      ...(event.state && { state: event.state }),
    }),
  ];
  if (event.deal !== undefined) writes.push(write("deal", event.deal, { set: { size: event.time } }));
  const before = new Map(records);
  const decision = await step(at(event.time, event.seq), writes);
  for (const [name, record] of before) {
    const into = records.get(name)?.tombstone?.mergedInto;
    if (into === undefined) continue;
    for (const [idName, value] of Object.entries(record.ids)) aliases.set(`${idName}=${value}`, into);
  }
  return decision;
}

const memory = new WeakMap<object, Map<string, string>>();
/** The store's links: each id ever seen -> whose it is. */
function aliasesOf(records: Map<string, EntityRecord>): Map<string, string> {
  const known = memory.get(records) ?? new Map<string, string>();
  memory.set(records, known);
  return known;
}

const alive = (of: World) =>
  [...of.records.values()].filter((one) => one.type === "person" && one.tombstone === undefined);

describe("two entities that turn out to be one", () => {
  it("are refused where no rule says otherwise, and the dead letter names both", async () => {
    const at1 = createWorld(
      new Map([
        ["person", person()],
        ["deal", deal],
      ]),
    );
    await happen(at1, { time: 1, seq: 1, key: "a", link: { email: "x" } });
    expect(await happen(at1, { time: 2, seq: 2, key: "b", link: { email: "x" } })).toMatchObject({
      kind: "dead",
      code: "HK6003",
      data: { entity: "person/b", other: "person/a" },
    });
  });

  it("become the older one; the other is a tombstone that leads to it, its children and ids move, rollups count anew", async () => {
    const here = world();
    await happen(here, { time: 1, seq: 1, key: "a", set: { note: "first", score: 7 }, state: "lead", deal: "d1" });
    await happen(here, {
      time: 2,
      seq: 2,
      key: "b",
      set: { note: "second", score: 3 },
      state: "customer",
      link: { email: "x", phone: "5" },
      deal: "d2",
    });
    const decision = await happen(here, { time: 3, seq: 3, key: "a", link: { email: "x" } });
    expect(decision.kind).toBe("apply");
    expect(here.get("person", "a")).toMatchObject({
      ids: { id: "a", email: "x", phone: "5" },
      state: "customer",
      absorbed: ["b"],
      attributes: { note: { value: "second" }, score: { value: 7 }, deals: { value: 2 } },
    });
    expect(here.get("person", "b")).toMatchObject({
      ids: {},
      attributes: {},
      tombstone: { erased: false, mergedInto: "a" },
    });
    expect(here.get("deal", "d2")).toMatchObject({ parent: { key: "a" } });
    if (decision.kind !== "apply") throw new Error("not applied");
    expect(decision.touched.map(({ after }) => after.key)).not.toContain("b");
    expect(decision.writes).toContainEqual(expect.objectContaining({ absorbs: { idName: "id", keys: ["b"] } }));
    expect(decision.history).toContainEqual(expect.objectContaining({ attribute: "link:merged", after: "b" }));
    await happen(here, { time: 4, seq: 4, key: "b", set: { note: "fourth" } });
    expect(here.get("person", "a")).toMatchObject({ attributes: { note: { value: "fourth" } } });
  });

  it("become the newer one where the rule says so", async () => {
    const here = world("newest");
    await happen(here, { time: 1, seq: 1, key: "a", link: { email: "x" } });
    await happen(here, { time: 2, seq: 2, key: "b", link: { email: "x" } });
    expect(alive(here).map(({ key }) => key)).toEqual(["b"]);
  });

  it("never fall below what either had, and never come back from an erasure", async () => {
    const here = world();
    await happen(here, { time: 1, seq: 1, key: "a", set: { plan: "pro" } });
    await happen(here, { time: 2, seq: 2, key: "b", set: { plan: "team" }, link: { email: "x" } });
    await happen(here, { time: 3, seq: 3, key: "a", set: { plan: "free" }, link: { email: "x" } });
    expect(here.get("person", "a")).toMatchObject({ attributes: { plan: { value: "team" } } });
    await here.step(at(4, 4), [write("person", "a", { delete: "erase" })]);
    const late = await here.step(at(5, 5), [
      write("person", "c", { links: [{ idName: "email", value: "x", owner: "a" }], set: { note: "again" } }),
    ]);
    expect(late).toMatchObject({ kind: "skip", reason: "tombstone" });
  });

  const event = fc.record({
    key: fc.constantFrom("a", "b", "c"),
    set: fc.record(
      {
        note: fc.constantFrom<Json>("n1", "n2", "n3"),
        plan: fc.constantFrom<Json>(...tiers),
        source: fc.constantFrom<Json>("s1", "s2"),
        score: fc.integer({ min: 0, max: 9 }),
      },
      { requiredKeys: [] },
    ),
    state: fc.option(fc.constantFrom("lead", "customer", "gone"), { nil: undefined }),
    deal: fc.option(fc.constantFrom("d1", "d2", "d3"), { nil: undefined }),
  });

  it("end the same in every order of arrival: one entity, its values, its state, its children", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 6 }),
        fc.array(fc.constantFrom("a", "b", "c"), { minLength: 2, maxLength: 3 }),
        fc.infiniteStream(fc.nat()),
        async (events, linked, random) => {
          const all = [
            ...events,
            // Events that tie keys together: all of them name one e-mail.
            ...linked.map((key) => ({ key, set: {}, state: undefined, deal: undefined, link: { email: "x" } })),
            ...["a", "b", "c"].map((key) => ({
              key,
              set: {},
              state: undefined,
              deal: undefined,
              link: { email: "x" },
            })),
          ].map(({ state, deal: of, ...one }, index) => ({
            ...one,
            ...(state === undefined ? {} : { state }),
            ...(of === undefined ? {} : { deal: of }),
            time: 10 + index,
            seq: index + 1,
          }));
          const arrive = async (order: typeof all) => {
            const here = world();
            for (const one of order) expect((await happen(here, one)).kind).toMatch(/apply|skip/);
            const [only, ...others] = alive(here);
            expect(others).toEqual([]);
            const values = Object.entries(only?.attributes ?? {}).map(([name, { value }]) => [name, value]);
            const deals = [...here.records.values()].filter((one) => one.type === "deal");
            for (const one of deals) expect(one.parent?.key).toBe(only?.key);
            return {
              values: Object.fromEntries(values.sort()),
              state: only?.state,
              deals: deals.map(({ key }) => key).sort(),
            };
          };
          const shuffled = all
            .map((one) => ({ one, by: random.next().value as number }))
            .sort((x, y) => x.by - y.by)
            .map(({ one }) => one);
          expect(await arrive(shuffled)).toEqual(await arrive(all));
        },
      ),
      { numRuns: 150 },
    );
  });
});
