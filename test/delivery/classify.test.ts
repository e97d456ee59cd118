import { describe, expect, it } from "vitest";
import { classifyAnswer, classifyFailure, classOfStatus, matchesStatus } from "../../engine/delivery/classify.ts";
import { valuesAt } from "../../engine/delivery/positions.ts";
import type { ResponseRule } from "../../engine/plugin/answers.schema.ts";

const NOW = Date.UTC(2026, 10, 24);
const answered = (status: number, body: unknown = "", headers: Record<string, string> = {}) =>
  ({
    ok: true,
    status,
    headers,
    body: typeof body === "string" ? body : JSON.stringify(body),
    truncated: false,
  }) as const;
const classify = (answer: Parameters<typeof classifyAnswer>[0], rules: readonly ResponseRule[] = []) =>
  classifyAnswer(answer, { rules, retryAfter: [], now: NOW });

describe("classOfStatus", () => {
  it("retries 408, 423, 425, 429 and 5xx but 501; pauses on 401, 403, 407; 410 is dead too; the rest is permanent", () => {
    const classes = new Map<string, number[]>();
    for (let status = 200; status < 600; status++) {
      const kind = classOfStatus(status);
      classes.set(kind, [...(classes.get(kind) ?? []), status]);
    }
    expect(classes.get("throttle")).toEqual([429]);
    expect(classes.get("retry")?.filter((status) => status < 500)).toEqual([408, 423, 425]);
    expect(classes.get("retry")).toHaveLength(3 + 99);
    expect(classes.get("retry")).not.toContain(501);
    expect(classes.get("pause")).toEqual([401, 403, 407]);
    expect(classes.get("dead_and_pause")).toEqual([410]);
    expect(classes.get("delivered")).toHaveLength(100);
    expect(classes.get("permanent")).toEqual(
      expect.arrayContaining([300, 301, 302, 307, 308, 400, 404, 409, 413, 422, 501]),
    );
  });
});

describe("classifyAnswer", () => {
  it("uses the first rule that matches, before the common classes", () => {
    const rules: ResponseRule[] = [
      {
        status: 403,
        body: { path: "0.errorCode", equals: "REQUEST_LIMIT_EXCEEDED" },
        as: "throttle",
        reason: "0.errorCode",
      },
      { status: "4xx", as: "permanent" },
    ];
    expect(classify(answered(403, [{ errorCode: "REQUEST_LIMIT_EXCEEDED" }]), rules)).toEqual({
      kind: "retry",
      status: 403,
      detail: "status 403: REQUEST_LIMIT_EXCEEDED",
      throttled: true,
    });
    expect(classify(answered(403, [{ errorCode: "OTHER" }]), rules).kind).toBe("rejected");
    expect(classify(answered(500), rules).kind).toBe("retry");
  });

  it("can look at headers and at the whole text", () => {
    expect(
      classify(answered(200, "", { "x-error": "busy" }), [{ header: { name: "X-Error", equals: "busy" }, as: "retry" }])
        .kind,
    ).toBe("retry");
    expect(
      classify(answered(200, "<html>maintenance</html>"), [{ body: { matches: "maintenance" }, as: "retry" }]).kind,
    ).toBe("retry");
    expect(classify(answered(200, "fine"), [{ body: { matches: "maintenance" }, as: "retry" }]).kind).toBe("delivered");
  });

  it("asks whether something is there", () => {
    const rules: ResponseRule[] = [{ status: "2xx", body: { path: "errors", exists: true }, as: "permanent" }];
    expect(classify(answered(200, { errors: [] }), rules).kind).toBe("delivered");
    expect(classify(answered(200, { errors: ["x"] }), rules).kind).toBe("rejected");
    expect(classify(answered(200, "not json"), rules).kind).toBe("delivered");
  });

  it("shows codes of the sink but never its sentences, which can quote personal data", () => {
    const rules: ResponseRule[] = [{ status: 400, as: "permanent", reason: "message" }];
    expect(classify(answered(400, { message: "INVALID_EMAIL" }), rules)).toMatchObject({
      detail: "status 400: INVALID_EMAIL",
    });
    expect(classify(answered(400, { message: "ada@example.com is not valid" }), rules)).toMatchObject({
      detail: "status 400: (text left out)",
    });
  });

  it("passes on how long to wait", () => {
    expect(classify(answered(503, "", { "retry-after": "7" }))).toMatchObject({ kind: "retry", afterMs: 7_000 });
    expect(classify(answered(429, "", { "retry-after": "7" }))).toMatchObject({
      kind: "retry",
      afterMs: 7_000,
      throttled: true,
    });
  });

  it("does not trust a body that was cut short", () => {
    const cut = { ...answered(200, '{"ok":true}'), truncated: true };
    const rules: ResponseRule[] = [
      { status: "2xx", body: { path: "ok", equals: true }, as: "delivered" },
      { status: "2xx", as: "unknown" },
    ];
    expect(classify(cut, rules).kind).toBe("unknown");
  });
});

describe("results per item", () => {
  const perItem = (body: unknown, items: Parameters<typeof classifyAnswer>[1]["items"]) =>
    classifyAnswer(answered(207, body), {
      rules: [{ status: 207, as: "per_item" }],
      ...(items === undefined ? {} : { items }),
      retryAfter: [],
      now: NOW,
    });
  const errors = { path: "errors", code: "category", retry: ["RATE_LIMITS"] };

  it("an empty list of faults means that the item went well", () => {
    expect(perItem({ errors: [] }, errors).kind).toBe("delivered");
  });
  it("only codes that are listed are tried again", () => {
    expect(perItem({ errors: [{ category: "RATE_LIMITS" }] }, errors).kind).toBe("retry");
    expect(perItem({ errors: [{ category: "VALIDATION_ERROR" }] }, errors)).toMatchObject({
      kind: "rejected",
      detail: "status 207: item VALIDATION_ERROR",
    });
  });
  it("reads success flags", () => {
    const flags = { path: "", ok: "success", code: "errors.0.statusCode" };
    expect(perItem([{ success: true }], flags).kind).toBe("delivered");
    expect(perItem([{ success: false, errors: [{ statusCode: "DUPLICATE_VALUE" }] }], flags).kind).toBe("rejected");
  });
  it("finds our item by its index", () => {
    const indexed = { path: "errors", index: "batch_index", code: "reason" };
    expect(perItem({ errors: [{ batch_index: 3, reason: "x" }] }, indexed).kind).toBe("unknown");
    expect(perItem({ errors: [{ batch_index: 0, reason: "required" }] }, indexed).kind).toBe("rejected");
  });
  it("an answer without the list is an unknown outcome", () => {
    expect(perItem("gateway page", errors).kind).toBe("unknown");
  });
});

describe("classifyFailure", () => {
  const failed = (reason: "connect" | "reset" | "timeout" | "refused_address" | "tls", sent: boolean) =>
    classifyFailure({ ok: false, sent, reason, detail: "x" }).kind;
  it("tries again what surely did not leave, and calls the rest unknown", () => {
    expect(failed("connect", false)).toBe("retry");
    expect(failed("tls", false)).toBe("retry");
    expect(failed("timeout", false)).toBe("retry");
    expect(failed("reset", true)).toBe("unknown");
    expect(failed("timeout", true)).toBe("unknown");
  });
  it("never tries a refused address again", () => expect(failed("refused_address", false)).toBe("rejected"));
});

describe("matchesStatus", () => {
  it.each([
    [404, 404, true],
    ["404", 404, true],
    ["2xx", 204, true],
    ["2xx", 300, false],
    ["500-504", 504, true],
    ["500-504", 505, false],
    [["2xx", 404], 404, true],
    [[400, 422], 404, false],
  ] as const)("%j against %i is %s", (wanted, status, expected) =>
    expect(matchesStatus(wanted, status)).toBe(expected),
  );
});

describe("valuesAt", () => {
  it("walks members, indexes and every element, and never a prototype", () => {
    expect(valuesAt({ a: [{ b: 1 }, { b: 2 }] }, "a.*.b")).toEqual([1, 2]);
    expect(valuesAt({ a: [{ b: 1 }] }, "a.0.b")).toEqual([1]);
    expect(valuesAt({}, "constructor.name")).toEqual([]);
    expect(valuesAt({ a: "text" }, "a.length")).toEqual([]);
  });
});
