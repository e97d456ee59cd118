import { describe, expect, it } from "vitest";
import { changedPlaces, editableOf, identifyEdited, parseEdited } from "../../engine/provider/edited.ts";
import { inlineOf, shipped } from "./support.ts";

const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";
const batch = inlineOf('{ signature: { scheme: none }, items: list, type: "body:kind", id: "body:n" }');
const lines = inlineOf('{ signature: { scheme: none }, body: json_lines, type: "body:kind", id: "body:n" }');
const stored = (body: string | Uint8Array, contentType = JSON_TYPE, itemIndex = 0) => ({
  contentType,
  body: Buffer.from(body as string),
  itemIndex,
});

describe("what there is to correct", () => {
  it("is laid out for people, with what the engine reads of it: exact numbers, no reserved keys", () => {
    const editable = editableOf(shipped("stripe"), stored('{"n":12345678901234567890,"__proto__":1,"a":{"b":[1]}}'));
    expect(editable).toEqual({
      text: '{\n  "n": "12345678901234567890",\n  "a": {\n    "b": [\n      1\n    ]\n  }\n}\n',
      ending: "json",
    });
  });

  it("is the text as it came where it can not be read, and in other forms", () => {
    expect(editableOf(shipped("stripe"), stored('{"a":'))).toEqual({ text: '{"a":', ending: "json" });
    expect(editableOf(inlineOf("signature: { scheme: none }"), stored("a=1&b=2", FORM))).toEqual({
      text: "a=1&b=2",
      ending: "txt",
    });
    expect(editableOf(shipped("stripe"), stored(Uint8Array.from([0xff])))).toBeUndefined();
  });

  it("of a batch is the one event; of a batch that can not be taken apart nothing", () => {
    const two = '{"list":[{"kind":"a"},{"kind":"b","n":2}]}';
    expect(editableOf(batch, stored(two, JSON_TYPE, 1))?.text).toBe('{\n  "kind": "b",\n  "n": 2\n}\n');
    expect(editableOf(batch, stored('{"list":[{"kind"', JSON_TYPE))).toBeUndefined();
    // A line that is no JSON is that event's fault alone.
    expect(editableOf(lines, stored('{"kind":"a"}\n\n{"kind":\n', JSON_TYPE, 1))).toEqual({
      text: '{"kind":\n',
      ending: "json",
    });
  });

  it("is what was corrected before, where that was not enough", () => {
    const twice = { ...stored('{"a":1}'), edited: Buffer.from('{"a":2}') };
    expect(editableOf(shipped("stripe"), twice)?.text).toBe('{\n  "a": 2\n}\n');
  });
});

describe("a corrected body", () => {
  const parse = (recipe: typeof batch, body: string, contentType = JSON_TYPE) =>
    parseEdited(recipe, { contentType, body: Buffer.from(body) });

  it("is read in the form of the source, of a batch as the one event", () => {
    expect(parse(shipped("stripe"), '{"a":1}')).toEqual({ ok: true, value: { a: 1 } });
    expect(parse(inlineOf("signature: { scheme: none }"), "a=1", FORM)).toEqual({ ok: true, value: { a: "1" } });
    expect(parse(batch, '{"kind":"b"}')).toEqual({ ok: true, value: { kind: "b" } });
    expect(parse(lines, '{"kind":"b"}')).toEqual({ ok: true, value: { kind: "b" } });
    expect(parse(lines, '{"kind":"b"}\n{"kind":"c"}')).toMatchObject({ ok: false, code: "HK3012" });
  });

  it("says which event it is, or why it is none", () => {
    const identify = (recipe: typeof batch, value: object) =>
      identifyEdited(recipe, {
        contentType: JSON_TYPE,
        headers: {},
        path: "/hooks/x",
        body: Buffer.from(JSON.stringify(value)),
        value: value as never,
      });
    expect(identify(batch, { kind: "b", n: 2 })).toMatchObject({ type: "b" });
    expect(identify(lines, { kind: "c", n: 3 })).toMatchObject({ type: "c" });
    expect(identify(shipped("stripe"), { id: "evt_1", type: "invoice.paid", created: 1_700_000_000 })).toMatchObject({
      type: "invoice.paid",
      occurredAt: 1_700_000_000_000,
    });
    expect(identify(batch, { n: 2 })).toContain("kind");
  });
});

describe("changed places", () => {
  it("are named, never shown; a name that is no word may be personal", () => {
    const before = { a: { b: [1, { c: "ada@example.com" }] }, same: 1, gone: 1, people: { "ada@example.com": 1 } };
    const after = { a: { b: [1, { c: "x" }, 3] }, same: 1, people: { "ada@example.com": 2 }, made: null };
    const places = changedPlaces(before, after);
    expect(places).toEqual(["a.b[1].c", "a.b[2]", "gone", "people.*", "made"]);
    expect(JSON.stringify(places)).not.toContain("ada");
  });

  it("are the whole body where it could not be read or is of another kind, and not more than are worth reading", () => {
    expect(changedPlaces(undefined, {})).toEqual(["the whole body"]);
    expect(changedPlaces([], {})).toEqual(["the whole body"]);
    const many = Object.fromEntries(Array.from({ length: 500 }, (_none, n) => [`k${n}`, n]));
    expect(changedPlaces({}, many)).toHaveLength(50);
  });
});
