import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { EventId, Json, JsonObject } from "../../engine/core/types.ts";
import { createRoutes } from "../../engine/flow/routes.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import type { StoredEvent } from "../../engine/store/store.ts";
import { readCorpus, writeCorpus } from "../../engine/testing/corpus.ts";
import { createPseudonyms } from "../../engine/testing/pseudonym.ts";
import { createRecording, type Recorded } from "../../engine/testing/recording.ts";
import { revisionOf } from "../support/revision.ts";

const evaluator = createEvaluator({});
const folder = mkdtempSync(join(tmpdir(), "hookrail-corpus-"));
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await evaluator.close();
});

const revision = await revisionOf(
  {
    "config.yaml": `
teams: { ops: {} }
seed: none
tables:
  prices: { price_pro: pro, price_team: team }
entities:
  lead:
    ids: [email]
    attributes:
      email: { type: string, format: email, owner: ops, sensitive: true }
      phone: { type: string, owner: ops, sensitive: true }
      salary: { type: integer, owner: ops, sensitive: true }
      plan: { type: string, enum: [pro, team], owner: ops }
      seats: { type: integer, owner: ops }
      due: { type: time, owner: ops }
    states: [new, won]
connections:
  out: { sink: file, path: ./out.ndjson }
`,
    "pipelines/leads.yaml": `
pipeline: leads
owner: ops
source:
  path: /hooks/leads
  signature: { scheme: hmac, header: x-signature, encoding: hex }
  id: body:id
  type: body:type
  secrets: ["$\{SECRET}"]
  root: data
rules:
  - on: lead.*
    when: kind = "paying" and amount > 100
    write:
      lead:
        key: $lowercase(contact.email)
        state: new
        fields:
          email: $lowercase(contact.email)
          phone: contact.phone
          salary: contact.salary
          plan: { from: price, table: prices }
          seats: seats
          due: due
deliver:
  - { to: out }
`,
  },
  { env: { SECRET: "test-secret" } },
);
const source = revision.pipelines[0]?.source.name ?? "";

let seq = 0;
const stored = (body: JsonObject): StoredEvent => ({
  seq: ++seq,
  id: `evt_${seq}` as EventId,
  source,
  provider: source,
  dedupeKey: `p:${seq}`,
  providerId: String(body["id"]),
  type: String(body["type"]),
  occurredAt: 0,
  clockResolutionMs: 1,
  rank: 0,
  receivedAt: 1_700_000_000_000,
  headers: { "content-type": "application/json", "x-forwarded-for": "203.0.113.9", "user-agent": "Ada's laptop" },
  contentType: "application/json",
  body: Buffer.from(JSON.stringify(body)),
  bodyHash: "",
  itemIndex: 0,
  verification: { scheme: "hmac sha256", secretIndex: 1, signed: "raw_body" },
  revision: revision.hash,
});

const recorder = (key = "key") =>
  createRecording({
    routes: createRoutes(revision),
    evaluator,
    pseudonyms: ({ prefixes }) => createPseudonyms(key, prefixes),
  });
async function record(body: JsonObject, by = recorder()): Promise<Recorded> {
  const recording = await by(stored(body));
  if (!recording.ok) return expect.unreachable(recording.why);
  return recording.recorded;
}

const word = fc.stringMatching(/^[a-z]{4,10}$/);
const person = fc.record({
  // Words of the config could be parts of a name by chance: "lead" is one.
  email: fc.tuple(word, word).map(([a, b]) => `Zq${a}.${b}@${b}corp.com`),
  phone: fc.stringMatching(/^\+49 1[0-9]{2} [0-9]{7}$/),
  salary: fc.integer({ min: 20_000, max: 999_999 }),
  name: fc.tuple(word, word).map(([a, b]) => `Jx${a} Wv${b}`),
  card: fc.stringMatching(/^4[0-9]{15}$/),
  account: fc.integer({ min: 10_000_000, max: 2 ** 50 }),
});
type Person = typeof person extends fc.Arbitrary<infer P> ? P : never;
const eventOf = (one: Person, extra: Json = null): JsonObject => ({
  id: `lead_${one.account}`,
  type: "lead.created",
  created: 1_712_345_678,
  data: {
    kind: "paying",
    amount: 4_900,
    price: "price_team",
    seats: 7,
    due: "2026-12-04T00:00:00Z",
    contact: { email: one.email, phone: one.phone, salary: one.salary },
    note: `call ${one.name} on ${one.phone}, or write to ${one.email.toUpperCase()}; earns ${one.salary}`,
    link: `https://crm.acme.test/people/${encodeURIComponent(one.email)}?phone=${encodeURIComponent(one.phone)}#${one.account}`,
    [one.email]: { card: one.card, [`k${one.account}`]: true },
    list: [one.name, [one.email.toLowerCase()], { birth_date: "1979-03-04", account: one.account }],
    extra,
  },
});

describe("a recording", () => {
  test("lets no sensitive value survive, whatever the event holds besides", async () => {
    await fc.assert(
      fc.asyncProperty(person, fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>, async (one, extra) => {
        const recorded = await record(eventOf(one, extra));
        const percent = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
        const plain = JSON.stringify(recorded)
          .replace(/%([0-9a-f]{2})/gi, percent)
          .toLowerCase();
        for (const value of [one.email, one.phone, String(one.salary), one.card, String(one.account)])
          expect(plain).not.toContain(value.toLowerCase());
        for (const name of one.name.split(" ")) expect(plain).not.toContain(name.toLowerCase());
        expect(plain).not.toContain(one.email.split("@")[1]?.toLowerCase());
        expect(plain).not.toContain("1979-03-04");
        expect(plain).not.toContain("203.0.113.9");
        expect(plain).not.toContain("ada's");
        // And it is still the same event to the pipeline.
        expect(recorded.differences).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("keeps what mappings branch on, the shape of the rest, and the same name for the same thing", async () => {
    const one = {
      email: "Ada@Lovelace.org",
      phone: "+49 170 1234567",
      salary: 51_234,
      name: "Ada Lovelace",
      card: "4242424242424242",
      account: 123_456_789_012,
    };
    const by = recorder();
    const first = await record(eventOf(one), by);
    const second = await record({ ...eventOf({ ...one, phone: "+49 170 7654321" }), type: "lead.updated" }, by);
    const data = (first.body as JsonObject)["data"] as JsonObject;
    const contact = data["contact"] as JsonObject;
    expect(data).toMatchObject({ kind: "paying", amount: 4_900, price: "price_team", seats: 7 });
    expect(data).toMatchObject({ due: "2026-12-04T00:00:00Z" });
    expect(first.body).toMatchObject({ type: "lead.created", created: 1_712_345_678 });
    expect(contact["email"]).toMatch(/^[A-Z][a-z]{2}@[A-Z][a-z]{7}\.example$/);
    expect(contact["phone"]).toMatch(/^\+\d\d \d{3} \d{7}$/);
    expect(String(contact["salary"])).toMatch(/^\d{5}$/);
    const email = String(contact["email"]);
    expect(String(data["note"])).toContain(email.toUpperCase().replace(".EXAMPLE", ".example"));
    expect(Object.keys(data)).toContain(email);
    expect((data["list"] as Json[])[0]).toMatch(/^[A-Z][a-z]{2} [A-Z][a-z]{7}$/);
    const again = ((second.body as JsonObject)["data"] as JsonObject)["contact"] as JsonObject;
    expect(again["email"]).toBe(email);
    expect(again["phone"]).not.toBe(contact["phone"]);
    // Another key, other names: who has the recording can not try which address it was.
    const elsewhere = await record(eventOf(one), recorder("other"));
    expect(JSON.stringify(elsewhere.body)).not.toContain(email);
    expect(Object.keys(first.headers)).toEqual(["content-type"]);
  });

  test("tells where a pipeline does something else with it", async () => {
    // The sensitive value is what the rule goes by: hidden, it is none of the config's words any more.
    const recorded = await record({ ...eventOf({ ...(fc.sample(person, 1)[0] as Person), phone: "paying" }) });
    expect(recorded.differences).toEqual([
      expect.stringMatching(/^leads: the original is mapped by lead\.\* .*the recording skipped not_selected/),
    ]);
  });

  test("says why an event can not be recorded", async () => {
    const by = recorder();
    const event = stored({ id: "1", type: "lead.created" });
    expect(await by({ ...event, source: "gone" })).toEqual({ ok: false, why: "no_source" });
    expect(await by({ ...event, body: Buffer.alloc(0), bodyPurged: true })).toEqual({ ok: false, why: "body_gone" });
    expect(await by({ ...event, body: Buffer.from("{") })).toEqual({ ok: false, why: "unreadable" });
  });
});

describe("pseudonyms", () => {
  test("two words never share one within a recording", () => {
    const names = createPseudonyms("k");
    const all = Array.from({ length: 600 }, (_, n) => names.text(`u${n}`));
    expect(new Set(all).size).toBe(600);
    expect(all.every((name) => /^[a-z]\d+$/.test(name))).toBe(true);
  });

  test("numbers stay numbers of the size, ids keep what says of what they are", () => {
    const names = createPseudonyms("k", new Set(["cus_"]));
    expect(names.text("cus_NffrFeUfNV2Hib")).toMatch(
      /^cus_[A-Z][a-z]{2}[a-z][A-Z][a-z][A-Z][a-z][A-Z]{2}\d[A-Z][a-z]{2}$/,
    );
    fc.assert(
      fc.property(fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }), (n) => {
        const other = names.number(n);
        expect(Number.isSafeInteger(other)).toBe(true);
        expect([String(other).length, Math.sign(other)]).toEqual([String(n).length, Math.sign(n) || Math.sign(other)]);
      }),
    );
    expect(names.number(49.5)).toBeGreaterThanOrEqual(10);
    expect(names.text("6f9619ff-8b86-d011-b42d-00c04fc964ff")).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });
});

describe("a corpus", () => {
  const event = {
    name: "evt_1",
    source: "s",
    type: "t",
    receivedAt: 1_700_000_000_000,
    headers: { a: "b" },
    body: [1],
  };
  const about = { revision: "r1", gitCommit: "c1", recordedAt: 1_700_000_001_000 };

  test("is read as it was written, and written the same again", () => {
    const path = join(folder, "whole");
    const manifest = writeCorpus(path, [event, { ...event, name: "evt_2", body: { b: null } }], about);
    const text = readFileSync(join(path, "events.ndjson"), "utf8");
    expect(readCorpus(path)).toEqual({
      manifest,
      events: [event, { ...event, name: "evt_2", body: { b: null } }],
      entities: [],
    });
    expect(JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"))).toEqual({
      format: "hookrail-corpus",
      format_version: 1,
      revision: "r1",
      git_commit: "c1",
      recorded_at: "2023-11-14T22:13:21.000Z",
      events: 2,
      sources: { s: 2 },
    });
    writeCorpus(path, readCorpus(path).events, about);
    expect(readFileSync(join(path, "events.ndjson"), "utf8")).toBe(text);
  });

  test("keeps what was known before it, and tells when that is not whole", () => {
    const path = join(folder, "state");
    const version = { source: "s", time: 5, rank: 1, seq: -2 };
    const record = {
      type: "lead",
      key: "k",
      ids: { email: "k" },
      attributes: {
        seats: { value: 1, version, writer: "leads" },
        phone: { value: null, ladder: [{ value: "x", version }] },
      },
      state: "new",
      stateVersion: version,
      parent: { type: "company", key: "c" },
      changes: 3,
      seeded: false,
      tombstone: { version, erased: false, mergedInto: "l" },
      newest: [version],
      absorbed: ["m"],
      createdAt: 1_700_000_000_000,
      updatedAt: 1_700_000_000_001,
    } as const;
    const entities = [
      { record: { ...record, key: "z" }, told: [], once: [] },
      {
        record,
        told: [{ connection: "out", places: "upsert", names: ["seats"] }],
        once: [{ effect: "leads/out/track/lead", values: "" }],
      },
    ];
    const answer = { connection: "out", path: "/x", headers: { a: "b" }, at: 1_700_000_000_000, body: { c: 1 } };
    const manifest = writeCorpus(path, [{ ...event, fetched: [answer] }], { ...about, entities });
    expect(manifest.entities).toBe(2);
    expect(readCorpus(path)).toEqual({
      manifest,
      events: [{ ...event, fetched: [answer] }],
      entities: entities.toReversed(),
    });
    const text = readFileSync(join(path, "state.ndjson"), "utf8");
    writeFileSync(join(path, "state.ndjson"), text.replace('"state":"new",', ""));
    expect(() => readCorpus(path)).toThrow("line 1 of state.ndjson lacks entity, key, ids, attributes or state");
    writeFileSync(join(path, "state.ndjson"), text + text);
    expect(() => readCorpus(path)).toThrow("counts 2 entities, state.ndjson has 4");
    writeCorpus(path, [event], about);
    expect([existsSync(join(path, "state.ndjson")), readCorpus(path).entities]).toEqual([false, []]);
  });

  test("that is not whole, newer or none is refused with what is wrong", () => {
    const path = join(folder, "broken");
    const failure = () => {
      try {
        readCorpus(path);
        return "read";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(failure()).toContain("manifest.json can not be read");
    writeCorpus(path, [event], about);
    const write = (name: string, change: (text: string) => string) =>
      writeFileSync(join(path, name), change(readFileSync(join(path, name), "utf8")));
    write("events.ndjson", (text) => text + text);
    expect(failure()).toContain("counts 1 events, events.ndjson has 2");
    write("events.ndjson", () => '{"name":1}\n');
    expect(failure()).toContain("line 1 of events.ndjson lacks name");
    write("events.ndjson", () => "not json\n");
    expect(failure()).toContain("line 1 of events.ndjson is no JSON object");
    write("manifest.json", (text) => text.replace('"format_version": 1', '"format_version": 2'));
    expect(failure()).toContain("its form is 2; this version reads up to 1");
    write("manifest.json", (text) => text.replace("hookrail-corpus", "other"));
    expect(failure()).toContain('does not say `"format": "hookrail-corpus"`');
  });
});
