import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../engine/core/types.ts";
import { checkItem, chooseRequests, itemOf, type Joining, joinRequests } from "../../engine/delivery/batch.ts";
import { writeBody } from "../../engine/delivery/body-format.ts";
import { classifyBatch } from "../../engine/delivery/classify.ts";
import type { FrozenHttp } from "../../engine/delivery/http-request.ts";
import type { BatchSpec, ItemsSpec } from "../../engine/plugin/answers.schema.ts";

const joining = (spec: Partial<BatchSpec> = {}, format: Joining["format"] = "json"): Joining => ({
  spec: { path: "in.list", max_items: 10, ...spec },
  format,
  connection: "crm",
});
const request = (item: Json, more: Partial<FrozenHttp> = {}): FrozenHttp => ({
  method: "POST",
  path: "/batch",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ mode: "merge", in: { list: [item], strict: true } }),
  ...more,
});

describe("joinRequests", () => {
  it("joins what lies in the lists and leaves all around it alone", () => {
    const joined = joinRequests([request({ a: 1 }), request({ a: 2 })], joining());
    expect(JSON.parse(joined?.request.body ?? "")).toEqual({
      mode: "merge",
      in: { list: [{ a: 1 }, { a: 2 }], strict: true },
    });
    expect(joined?.request.path).toBe("/batch");
  });

  it("keeps every item as it was, whatever it holds", () => {
    const item = fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.jsonValue(),
      { minKeys: 1 },
    ) as fc.Arbitrary<{ [key: string]: Json }>;
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (items) => {
        const how = joining({ group_by: "none" });
        const requests = items.map((one) => request(one));
        expect(chooseRequests(requests, how)).toEqual(items.map((_, index) => index));
        const joined = joinRequests(requests, how);
        expect(JSON.parse(joined?.request.body ?? "").in.list).toEqual(JSON.parse(JSON.stringify(items)));
      }),
    );
  });

  it("writes JSON lines and CSV as a whole", () => {
    const lines = [{ a: 1 }, { a: 2 }].map((row) => request(row, { body: writeBody([row], "ndjson", joining()) }));
    expect(joinRequests(lines, joining({ path: "" }, "ndjson"))?.request.body).toBe('{"a":1}\n{"a":2}\n');
    const rows = [
      { id: "1", tier: "a" },
      { id: "2", tier: "b" },
    ].map((row) => request(row, { body: writeBody([row], "csv", joining()) }));
    expect(joinRequests(rows, joining({ path: "" }, "csv"))?.request.body).toBe("id,tier\r\n1,a\r\n2,b\r\n");
  });
});

describe("chooseRequests", () => {
  const chosen = (requests: readonly FrozenHttp[], spec: Partial<BatchSpec> = {}) =>
    chooseRequests(requests, joining(spec));

  it("takes only what is equal but for its item", () => {
    const first = request({ a: 1 });
    expect(chosen([first, request({ a: 2 }, { path: "/other" }), request({ a: 3 })])).toEqual([0, 2]);
    expect(chosen([first, request({ a: 2 }, { headers: { "x-team": "b" } })])).toEqual([0]);
    const other = JSON.stringify({ mode: "replace", in: { list: [{ a: 2 }], strict: true } });
    expect(chosen([first, request({ a: 2 }, { body: other })])).toEqual([0]);
  });

  it("takes only items of the same keys, at every depth, unless told otherwise", () => {
    const mixed = [request({ a: { b: 1 } }), request({ a: { c: 1 } }), request({ a: { b: 2 } })];
    expect(chosen(mixed)).toEqual([0, 2]);
    expect(chosen(mixed, { group_by: "none" })).toEqual([0, 1, 2]);
  });

  it("takes no more than the request may have, by count, bytes and identity", () => {
    const many = [1, 2, 3, 2, 4].map((id) => request({ id, text: "xxxxxxxxxx" }));
    expect(chosen(many, { max_items: 2 })).toEqual([0, 1]);
    expect(chosen(many, { unique: "id" })).toEqual([0, 1, 2, 4]);
    const one = Buffer.byteLength(many[0]?.body ?? "");
    expect(chosen(many, { max_bytes: one })).toEqual([0]);
    const two = joinRequests(many.slice(0, 2), joining())?.request.body ?? "";
    expect(chosen(many, { max_bytes: Buffer.byteLength(two) })).toEqual([0, 1]);
  });

  it("leaves a request alone that holds no list of one", () => {
    expect(chosen([request(1, { body: '{"in":{"list":[1,2]}}' }), request(2)])).toEqual([0]);
    expect(chosen([request(1, { body: "not json" }), request(2)])).toEqual([0]);
    expect(itemOf(request({ a: 1 }), joining())).toEqual({ a: 1 });
  });
});

describe("checkItem", () => {
  it("refuses a body without its one item, and an item that is too long", () => {
    const check =
      (body: Json, spec: Partial<BatchSpec> = {}) =>
      () =>
        checkItem(body, joining(spec));
    expect(check({ in: { list: [] } })).toThrow(expect.objectContaining({ code: "HK5333" }));
    expect(check({ in: { list: [1, 2] } })).toThrow(expect.objectContaining({ code: "HK5333" }));
    expect(check({ in: { list: ["é".repeat(10)] } }, { max_item_bytes: 21 })).toThrow(
      expect.objectContaining({ code: "HK5334" }),
    );
    expect(check({ in: { list: ["é".repeat(10)] } }, { max_item_bytes: 22 })).not.toThrow();
  });
});

describe("CSV", () => {
  const write = (rows: Json) => writeBody(rows, "csv", joining());
  it("quotes what needs it", () => {
    expect(write([{ a: 'x "y", z', b: "1\r\n2" }])).toBe('a,b\r\n"x ""y"", z","1\r\n2"\r\n');
  });
  it.each<[Json]>([[[{ a: 1 }, { b: 1 }]], [[{ a: 1 }, { a: 1, b: 2 }]], [[{ a: null }]], [[{ a: [1] }]], [["text"]]])(
    "refuses %j: a cell that a row lacks would blank the field",
    (rows) => expect(() => write(rows)).toThrow(expect.objectContaining({ code: "HK5332" })),
  );
});

describe("results of a batch", () => {
  const sent = ["a", "b", "c"].map((id) => ({ ref: id }));
  const kinds = (body: unknown, items: ItemsSpec, status = 207) => {
    const judged = classifyBatch(
      { ok: true, status, headers: {}, body: JSON.stringify(body), truncated: false },
      { rules: [{ status: 207, as: "per_item" }], items, retryAfter: [], now: 0, sent },
    );
    return judged.kind === "items" ? judged.outcomes.map(({ kind }) => kind).join(" ") : judged.kind;
  };

  it("by position, with success flags (Salesforce)", () => {
    const spec = { path: "", ok: "success", code: "errors.0.code", retry: ["LOCKED"] };
    expect(kinds([{ success: true }, { success: false, errors: [{ code: "LOCKED" }] }, { success: false }], spec)).toBe(
      "delivered retry rejected",
    );
    expect(kinds([{ success: true }], spec)).toBe("delivered unknown unknown");
  });

  it("by index, a list of those that failed (Braze, BigQuery)", () => {
    const spec = { path: "errors", index: "at", code: "why" };
    expect(kinds({ errors: [{ at: 2, why: "x" }] }, spec)).toBe("delivered delivered rejected");
    expect(kinds({ errors: [] }, spec)).toBe("delivered delivered delivered");
    expect(kinds({}, spec)).toBe("unknown");
    expect(kinds({ errors: [{ at: 9, why: "x" }] }, spec)).toBe("unknown unknown unknown");
  });

  it("by id, with a status each, and items that were there already", () => {
    const spec = {
      path: "results",
      id: "ref",
      item_id: "ref",
      status: "status",
      code: "code",
      repeated: ["DUPLICATE"],
    };
    const results = [
      { ref: "c", status: 429 },
      { ref: "a", status: 201 },
      { ref: "b", status: 409, code: "DUPLICATE" },
    ];
    expect(kinds({ results }, spec)).toBe("delivered delivered retry");
    expect(kinds({ results: results.slice(1) }, spec)).toBe("delivered delivered unknown");
  });

  it("the worse of two results about one item", () => {
    const spec = { path: "errors", index: "at", code: "why", ok: "fine", lists: "failed" as const };
    expect(
      kinds(
        {
          errors: [
            { at: 0, fine: false },
            { at: 0, fine: true },
          ],
        },
        spec,
      ),
    ).toBe("rejected delivered delivered");
  });
});
