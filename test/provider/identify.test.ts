import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { identify } from "../../engine/provider/identify.ts";
import { parsePayload } from "../../engine/provider/parse.ts";
import { inlineOf, NOW, request, shipped, shippedNames } from "./support.ts";

const sha = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
const none = "signature: { scheme: none }";
const find = (recipe: ReturnType<typeof inlineOf>, body: string | Uint8Array, headers: Record<string, string> = {}) =>
  identify(recipe, request(body, headers), { maxItems: 10 });
const stripe = shipped("stripe");

describe("identify: one event", () => {
  it("takes id, type and time of a Stripe event, and its clock is whole seconds", () => {
    const body =
      '{"data":{"object":{"id":"in_1","type":"x","created":1}},"created":1796083200,"type":"invoice.paid","id":"evt_9"}';
    expect(find(stripe, body)).toEqual({
      kind: "events",
      events: [
        {
          id: "evt_9",
          idKind: "provider",
          type: "invoice.paid",
          occurredAt: NOW,
          clockResolutionMs: 1000,
          rank: 5,
          itemIndex: 0,
        },
      ],
    });
  });

  it("without an id that can be used, the hash of the body is the id", () => {
    for (const id of ["null", '""', '"  "', "{}", "[1]", undefined]) {
      const body = `{"type":"t"${id === undefined ? "" : `,"id":${id}`}}`;
      expect(find(stripe, body), body).toMatchObject({ events: [{ id: sha(body), idKind: "hash" }] });
    }
  });

  it("an id that is a number keeps all its digits", () => {
    expect(find(stripe, '{"type":"t","id":12345678901234567891}')).toMatchObject({
      events: [{ id: "12345678901234567891" }],
    });
  });

  it("an id too long, with control characters or half a surrogate is kept as its hash", () => {
    for (const id of ["x".repeat(201), "a\u0000b", "a\nb", "\ud800"]) {
      expect(find(stripe, JSON.stringify({ type: "t", id }))).toMatchObject({
        events: [{ id: sha(id), idKind: "provider" }],
      });
    }
  });

  it("takes the first id whose parts are all there, and says when it is made of several", () => {
    const recipe = inlineOf(`{ ${none}, id: ["header:x-id", "{body:event}:{body:uri}", hash], type: "=t" }`);
    expect(find(recipe, '{"event":"a","uri":"u"}', { "x-id": "7" })).toMatchObject({
      events: [{ id: "7", idKind: "provider" }],
    });
    expect(find(recipe, '{"event":"a","uri":"u"}')).toMatchObject({ events: [{ id: "a:u", idKind: "composite" }] });
    expect(find(recipe, '{"event":"a"}')).toMatchObject({ events: [{ idKind: "hash" }] });
  });

  it("a type may be made of header and body, or be a constant; without any the event is unreadable", () => {
    const github = shipped("github");
    expect(find(github, '{"action":"opened"}', { "x-github-event": "issues" })).toMatchObject({
      events: [{ type: "issues.opened" }],
    });
    expect(find(github, "{}", { "x-github-event": "push" })).toMatchObject({ events: [{ type: "push" }] });
    expect(find(inlineOf(none), "{}")).toMatchObject({ events: [{ type: "event" }] });
    for (const body of [
      "{}",
      '{"type":null}',
      '{"type":{}}',
      '{"type":""}',
      '{"type":"a\\u0007"}',
      `{"type":"${"x".repeat(201)}"}`,
    ]) {
      expect(find(stripe, body), body).toMatchObject({ kind: "unreadable", code: "HK3014", id: sha(body) });
    }
  });

  it.each([
    ["s", "1796083200", NOW, 1000],
    ["s", "1796083200.5", NOW + 500, 1],
    ["ms", "1796083200123", NOW + 123, 1],
    ["iso8601", '"2026-12-01T00:00:00Z"', NOW, 1000],
    ["iso8601", '"2026-12-01T01:00:00.25+01:00"', NOW + 250, 1],
    ["iso8601", '"2026-12-01T01:00:00+0100"', NOW, 1000],
    ["iso8601", '"2026-12-01T00:00:00"', NOW, 1000],
    ["iso8601", '"2026-12-01 00:00:00"', NOW, 1000],
    ["iso8601", '"2026-12-01 01:00:00+0100"', NOW, 1000],
    ["iso8601", '"2026-12-01  00:00:00"', undefined, 1],
    ["http_date", '"Tue, 01 Dec 2026 00:00:00 GMT"', NOW, 1000],
    ["s", '"yesterday"', undefined, 1],
    ["s", "-5", undefined, 1],
    ["s", "99999999999999999999", undefined, 1],
    ["iso8601", '"2026-13-01T00:00:00Z"', undefined, 1],
    ["iso8601", "1796083200", undefined, 1],
    ["s", "null", undefined, 1],
  ])("time in %s of %s is %s", (unit, text, occurredAt, clockResolutionMs) => {
    const recipe = inlineOf(`{ ${none}, time: { from: "body:t", unit: ${unit} } }`);
    const found = find(recipe, `{"t":${text}}`);
    expect(found).toMatchObject({ events: [{ clockResolutionMs }] });
    expect(found.kind === "events" ? found.events[0]?.occurredAt : "unreadable").toBe(occurredAt);
  });

  it.each([
    ["not JSON", '{"id":', "HK3012"],
    ["empty", "", "HK3012"],
    ["65 levels deep", `{"type":"t","x":${"[".repeat(65)}${"]".repeat(65)}}`, "HK3011"],
    ["with two ids", '{"id":"a","type":"t","id":"b"}', "HK3013"],
    ["with an id hidden behind an escape", '{"id":"a","type":"t","\\u0069d":"b"}', "HK3013"],
    ["an array", "[1]", "HK3014"],
  ])("a body %s is unreadable and keeps its hash as id", (_, body, code) => {
    expect(find(stripe, body)).toMatchObject({ kind: "unreadable", code, id: sha(body) });
  });

  it("agrees with the payload that is parsed later, for any JSON that has an id, a type and a time", () => {
    const rest = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 5 });
    fc.assert(
      fc.property(
        rest,
        fc.string({ unit: "binary", minLength: 1 }),
        fc.integer({ min: 0, max: 4e9 }),
        (extra, id, created) => {
          const body = Buffer.from(JSON.stringify({ ...extra, id, type: "a.b", created }));
          const found = identify(stripe, request(body), { maxItems: 1 });
          const payload = parsePayload(stripe, { contentType: "", body, itemIndex: 0 });
          if (found.kind !== "events" || !payload.ok) throw new Error("unreadable");
          const value = payload.value as { id: string; created: number };
          expect(found.events[0]?.occurredAt).toBe(value.created * 1000);
          expect([value.id, sha(value.id), sha(body)]).toContain(found.events[0]?.id);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never throws, whatever the body, the headers and the content type", () => {
    const recipes = [
      ...shippedNames.map(shipped),
      inlineOf(`{ ${none}, items: a.b, id: "body:id", type: "body:type" }`),
      inlineOf(`{ ${none}, body: json_lines }`),
    ];
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.constantFrom(
        "payload=%7B",
        "a[b]=1&a=2",
        "a=1&a[b]=2",
        "payload=1",
        "[[[",
        '{"a":{"b":[1,{"id":2}]}}',
        "\n\n{\n",
      ),
    );
    const type = fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "application/x-ndjson",
      "text/xml",
      "",
      ";;",
    );
    fc.assert(
      fc.property(text, type, (body, contentType) => {
        for (const recipe of recipes) {
          const found = identify(recipe, request(body, { "content-type": contentType }), { maxItems: 5 });
          if (found.kind === "unreadable") expect(found.code).toMatch(/^HK30\d\d$/);
          parsePayload(recipe, { contentType, body: Buffer.from(body), itemIndex: 0 });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("identify: batches", () => {
  const recipe = inlineOf(
    `{ ${none}, items: events, id: "body:eventId", type: "body:kind", time: { from: "body:at", unit: ms } }`,
  );
  const item = (eventId: number) => ({ eventId, kind: "a", at: NOW });

  it("every item is an event of its own", () => {
    expect(find(recipe, JSON.stringify({ events: [item(1), item(2)] }))).toMatchObject({
      kind: "events",
      events: [
        { id: "1", type: "a", occurredAt: NOW, itemIndex: 0 },
        { id: "2", itemIndex: 1 },
      ],
    });
  });

  it("a bad item is unreadable alone, under an id of its own", () => {
    const found = find(recipe, JSON.stringify({ events: [item(1), "nonsense", {}, item(2)] }));
    if (found.kind !== "events") throw new Error(found.code);
    expect(found.events.map((event) => event.unreadable?.code)).toEqual([undefined, "HK3014", "HK3014", undefined]);
    expect(new Set(found.events.map((event) => event.id)).size).toBe(4);
  });

  it("an item without an id is known by the hash of the item, not of the batch", () => {
    const first = find(recipe, JSON.stringify({ events: [{ kind: "a", n: 1 }] }));
    const second = find(recipe, JSON.stringify({ events: [item(9), { kind: "a", n: 1 }] }));
    expect(first.kind === "events" && first.events[0]?.id).toBe(second.kind === "events" && second.events[1]?.id);
  });

  it("an empty batch holds no event; a missing list, a wrong one and one too long are unreadable", () => {
    expect(find(recipe, '{"events":[]}')).toEqual({ kind: "events", events: [] });
    for (const body of ["{}", '{"events":{}}', JSON.stringify({ events: Array(11).fill({}) })]) {
      expect(find(recipe, body)).toMatchObject({ kind: "unreadable", code: "HK3015" });
    }
  });

  it("the body itself may be the list, or one object in its place; or one event a line", () => {
    const top = inlineOf(`{ ${none}, items: ".", id: "body:id" }`);
    expect(find(top, '[{"id":"a"},{"id":"b"}]')).toMatchObject({ events: [{ id: "a" }, { id: "b" }] });
    expect(find(top, '{"id":"a"}')).toMatchObject({ events: [{ id: "a" }] });
    const lines = inlineOf(`{ ${none}, body: json_lines, id: "body:id" }`);
    expect(find(lines, '{"id":"a"}\n\n{"id"\n{"id":"c"}\n')).toMatchObject({
      events: [{ id: "a" }, { unreadable: { code: "HK3012" } }, { id: "c", itemIndex: 2 }],
    });
  });
});
