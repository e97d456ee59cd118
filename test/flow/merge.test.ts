import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type Bench, openBench, start } from "../worker/support.ts";

const config = (merge: string) => ({
  "config.yaml": `
teams: { ops: {} }
seed: none
entities:
  person:
    ids: [id, email]
    ${merge}
    attributes:
      note: { type: string, owner: ops }
      deals: { type: integer, owner: ops, rollup: { of: deal, take: count } }
  deal:
    parent: person
    attributes: { size: { type: integer, owner: ops } }
connections:
  out: { sink: file, path: ./out.ndjson }
  effects: { sink: file, path: ./effects.ndjson }
`,
  "pipelines/people.yaml": `
pipeline: people
owner: ops
source:
  path: /hooks/shop
  signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
  secrets: [test-secret]
  id: body:id
  type: body:type
  time: { from: body:at, unit: ms }
  root: data
rules:
  - on: person.changed
    write:
      person: { key: id, link: { email: email }, fields: { note: note } }
  - on: deal.made
    write:
      deal: { key: id, fields: { size: size } }
      person: { key: person }
  - on: mail.opened
    write:
      person: { key: { email: email }, fields: { note: note } }
deliver:
  - { to: out, entity: person }
  - { to: effects, entity: person, action: append, event: welcomed, once: true }
`,
});

let bench: Bench;
afterEach(() => bench.close());
const open = async (merge: string) => {
  bench = await openBench(config(merge));
  await bench.engine.start();
};
const send = (id: string, at: number, type: string, data: object) =>
  bench.send({ id, type, at: start + at, data: data as never });
const person = (key: string) => bench.engine.store.entity("person", key);
const sent = (file: string) =>
  readFileSync(join(bench.root, file), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const by = { actor: "ada", reason: "test" };

describe("merge", () => {
  it("is refused by default: a dead letter that names both, and nothing is written", async () => {
    await open("");
    await send("1", 1, "person.changed", { id: "a", email: "x@y.z" });
    const story = await bench.story(await send("2", 2, "person.changed", { id: "b", email: "x@y.z" }));
    expect(story.deadLetters).toMatchObject([
      { code: "HK6003", message: expect.stringMatching(/person\/b.*person\/a/) },
    ]);
    expect(await person("b")).toBeUndefined();
  });

  it("leads every id and key to the one that stays, over restarts, and its children with it", async () => {
    await open("merge: oldest");
    await send("1", 1, "person.changed", { id: "a", note: "one" });
    await send("2", 2, "person.changed", { id: "b", email: "x@y.z", note: "two" });
    await send("3", 3, "deal.made", { id: "d1", size: 1, person: "b" });
    const id = await send("4", 4, "person.changed", { id: "a", email: "x@y.z" });
    const story = await bench.story(id);
    expect(story.outcomes).toMatchObject([{ status: "applied" }]);
    expect(story.history).toContainEqual(
      expect.objectContaining({ attribute: "link:merged", after: "b", note: "merge" }),
    );
    expect(story.history).toContainEqual(
      expect.objectContaining({ entity: { type: "person", key: "b" }, attribute: "delete", after: "merged" }),
    );
    await bench.reopen();
    expect(await person("b")).toMatchObject({ tombstone: { mergedInto: "a" }, attributes: {} });
    await send("5", 5, "person.changed", { id: "b", note: "through the old key" });
    await send("6", 6, "deal.made", { id: "d2", size: 2, person: "b" });
    expect(await person("a")).toMatchObject({
      absorbed: ["b"],
      attributes: { note: { value: "through the old key" }, deals: { value: 2 } },
    });
    await send("7", 7, "mail.opened", { email: "x@y.z", note: "through the e-mail" });
    expect(await person("a")).toMatchObject({ attributes: { note: { value: "through the e-mail" } } });
    expect(await bench.engine.store.entity("deal", "d2")).toMatchObject({ parent: { type: "person", key: "a" } });
  });

  it("takes over what still waits under the other key, and an effect that fired for either fires for neither again", async () => {
    await open("merge: oldest");
    await bench.engine.pause("connection", "out", by);
    await send("1", 1, "person.changed", { id: "a" });
    const other = await send("2", 2, "person.changed", { id: "b", email: "x@y.z", note: "two" });
    expect(sent("effects.ndjson")).toHaveLength(2);
    const id = await send("3", 3, "person.changed", { id: "a", email: "x@y.z" });
    const upsert = (await bench.story(other)).deliveries.find(({ delivery }) => delivery.connection === "out");
    expect(upsert).toMatchObject({ delivery: { status: "merged" } });
    const mine = (await bench.story(id)).deliveries.find(({ delivery }) => delivery.id === upsert?.mergedInto);
    expect(mine).toMatchObject({ delivery: { entity: { key: "a" }, attributes: { note: { set: "two" } } } });
    await bench.engine.resume("connection", "out", by);
    await bench.engine.drain();
    const keys = sent("out.ndjson").map((line) => JSON.stringify(line));
    expect(keys.filter((line) => line.includes('"b"'))).toEqual([]);
    expect(sent("effects.ndjson")).toHaveLength(2);
  });

  it("does not fire `once` for the one that stays when it fired for the one that went", async () => {
    await open("merge: newest");
    await send("1", 1, "person.changed", { id: "a", email: "x@y.z" });
    await send("2", 2, "person.changed", { id: "b", email: "x@y.z" });
    expect(await person("a")).toMatchObject({ tombstone: { mergedInto: "b" } });
    expect(sent("effects.ndjson")).toHaveLength(1);
  });

  it("is one transaction: two events that tie the same people together at once leave one person", async () => {
    await open("merge: oldest");
    for (const [n, key] of ["a", "b", "c", "d"].entries())
      await send(`k${n}`, n, "person.changed", { id: key, note: key });
    const ids = await Promise.all(
      ["a", "b", "c", "d"].map((key, n) =>
        bench.post({ id: `l${n}`, type: "person.changed", at: start + 10 + n, data: { id: key, email: "x@y.z" } }),
      ),
    );
    await bench.engine.drain();
    for (const id of ids) expect((await bench.story(id)).summary.outcome).not.toBe("dead_letter");
    const all = await bench.engine.store.entities("person", 10);
    expect(all.filter((one) => one.tombstone === undefined).map(({ key }) => key)).toEqual(["a"]);
    expect(await bench.engine.store.resolveId("person", "email", "x@y.z")).toBe("a");
    for (const key of ["b", "c", "d"]) expect(await bench.engine.store.resolveId("person", "id", key)).toBe("a");
    expect(await person("a")).toMatchObject({ attributes: { note: { value: "d" } } });
  });
});
