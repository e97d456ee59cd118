import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration, parsePercent, parseRate, parseSize } from "../../engine/core/duration.ts";

describe("parseDuration", () => {
  it.each([
    ["500ms", 500],
    ["60s", 60_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["30d", 2_592_000_000],
    ["1.5s", 1_500],
    ["0s", 0],
  ])("reads %s", (text, ms) => expect(parseDuration(text)).toEqual({ ok: true, value: ms }));

  it.each([
    "60",
    "",
    "s",
    "-1s",
    "1 s",
    "1m30s",
    "1M",
    "1e3s",
    "١s",
    "1.0005ms",
    60,
    null,
    undefined,
    "99999999999d",
    "1w",
  ])("refuses %s and says what was expected", (text) => {
    const parsed = parseDuration(text);
    expect(parsed.ok).toBe(false);
    if (!parsed.ok) expect(parsed.expected).toContain("60s");
  });

  it("reads back whatever formatDuration writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * 86_400_000 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, value: ms });
      }),
    );
  });

  it("writes the largest unit that loses nothing", () => {
    expect([90_000, 3_600_000, 1_500, 0, 86_400_000].map(formatDuration)).toEqual(["90s", "1h", "1500ms", "0s", "1d"]);
  });
});

describe("parseSize", () => {
  it.each([
    ["64KiB", 65_536],
    ["1MiB", 1_048_576],
    ["2MB", 2_000_000],
    ["1.5kB", 1_500],
    ["10B", 10],
  ])("reads %s", (text, bytes) => expect(parseSize(text)).toEqual({ ok: true, value: bytes }));

  it.each(["64", "64kib", "1.5B", "-1B", "", 5])("refuses %s", (text) => expect(parseSize(text).ok).toBe(false));
});

describe("parseRate", () => {
  it.each([
    ["100/s", 100, 1_000],
    ["10/10s", 10, 10_000],
    ["600/m", 600, 60_000],
  ])("reads %s", (text, count, perMs) => expect(parseRate(text)).toEqual({ ok: true, value: { count, perMs } }));

  it.each(["0/s", "10/0s", "10", "10/", "/s", "1.5/s", "10 / s", "10/s/s"])("refuses %s", (text) =>
    expect(parseRate(text).ok).toBe(false),
  );
});

describe("parsePercent", () => {
  it("reads a share", () => expect(parsePercent("99.9%")).toEqual({ ok: true, value: 0.9990000000000001 }));
  it.each(["99.9", "101%", "-1%", "%", "100.0000001%", 50])("refuses %s", (text) =>
    expect(parsePercent(text).ok).toBe(false),
  );
});
