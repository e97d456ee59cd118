import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retryAfterMs } from "../../engine/delivery/retry-after.ts";
import type { RetryAfterSpec } from "../../engine/plugin/answers.schema.ts";

const NOW = Date.UTC(2026, 10, 24, 6, 0, 0);
const HOUR = 3_600_000;
const standard = (text: string) => retryAfterMs({ headers: { "retry-after": text } }, [], NOW);

describe("retryAfterMs", () => {
  it.each([
    ["0", 0],
    ["7", 7_000],
    [" 7 ", 7_000],
    ["1.5", 1_500],
    ["3600", HOUR],
    ["999999999", HOUR],
    ["Tue, 24 Nov 2026 06:00:30 GMT", 30_000],
    ["Tuesday, 24-Nov-26 06:00:30 GMT", 30_000],
    ["Tue Nov 24 06:00:30 2026", 30_000],
    ["Tue, 24 Nov 2026 05:00:00 GMT", 0],
    ["Tue, 24 Nov 2099 05:00:00 GMT", HOUR],
  ])("%j means %s ms", (text, ms) => expect(standard(text)).toBe(ms));

  it.each([
    "",
    "-1",
    "+5",
    "soon",
    "NaN",
    "Infinity",
    "1e9",
    "0x10",
    "5s",
    "2026-11-24T06:00:30Z",
    "99999999999999999999",
  ])("%j means nothing", (text) => expect(standard(text)).toBeUndefined());

  it.each<[RetryAfterSpec["form"], string, number]>([
    ["seconds", "5", 5_000],
    ["millis", "250", 250],
    ["epoch_seconds", String(NOW / 1000 + 12), 12_000],
    ["epoch_millis", String(NOW + 1_234), 1_234],
    ["date", "Tue, 24 Nov 2026 06:00:10 GMT", 10_000],
    ["seconds_or_epoch", "30", 30_000],
    ["seconds_or_epoch", String(NOW / 1000 + 30), 30_000],
  ])("reads the form %s of a sink's own header", (form, text, ms) => {
    expect(retryAfterMs({ headers: { "x-ratelimit-reset": text } }, [{ header: "X-RateLimit-Reset", form }], NOW)).toBe(
      ms,
    );
  });

  it("takes the first of the preset's headers that is there and makes sense, then the standard one", () => {
    const specs: RetryAfterSpec[] = [
      { header: "x-first", form: "seconds" },
      { header: "x-second", form: "epoch_seconds" },
    ];
    expect(retryAfterMs({ headers: { "x-second": String(NOW / 1000 + 3), "retry-after": "99" } }, specs, NOW)).toBe(
      3_000,
    );
    expect(retryAfterMs({ headers: { "x-first": "rubbish", "retry-after": "9" } }, specs, NOW)).toBe(9_000);
  });

  it("is nothing or within an hour, whatever the header says", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const wait = standard(text);
        expect(wait === undefined || (wait >= 0 && wait <= HOUR)).toBe(true);
      }),
    );
  });
});
