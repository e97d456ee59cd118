/** Values of a payload that would like to be more than a value: a path step, a header, a second request. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HookrailError } from "../../engine/core/errors.ts";
import http from "../../plugins/sinks/http.ts";
import { answer } from "../support/fault-server.ts";
import { useHttpBench } from "../support/http-bench.ts";
import { delivery, sending } from "../support/sink-context.ts";

const bench = useHttpBench();

const hostile = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
  fc.constantFrom(
    "..",
    ".",
    "../admin",
    "a/b",
    "a\\b",
    "%2e%2e",
    "%2F",
    "a?b=c",
    "a#b",
    "a\r\nx-evil: 1",
    "\r\n\r\nDELETE / HTTP/1.1",
    "\u0000",
    "//evil.example",
    "@evil.example",
    "ä/ö",
    "\ud800",
    "{entity.key}",
    " ",
  ),
);

/** The request, or why none was made. */
async function attempt(settings: Parameters<typeof bench.open>[1], key: string): Promise<"refused" | "sent"> {
  const sink = await bench.open(http, settings);
  try {
    const frozen = await sink.prepare(delivery({ action: "send", key, set: { tier: "pro" } }));
    const outcome = await sink.send(frozen, sending());
    expect(outcome.kind).toBe("delivered");
    return "sent";
  } catch (error) {
    if (error instanceof HookrailError && (error.code === "HK5002" || error.code === "HK5003")) return "refused";
    throw error;
  }
}

describe("a hostile value", () => {
  it("in the path is one segment that reads back as it was, or nothing is sent", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (key) => {
        const before = bench.server.requests.length;
        bench.server.next(answer(200));
        const result = await attempt({ url: `${bench.server.url}/v1/people/{entity.key}/tags` }, key);
        const requests = bench.server.requests.slice(before);
        if (result === "refused") {
          bench.server.reset();
          expect(requests).toEqual([]);
          return;
        }
        expect(requests.length).toBe(1);
        const segments = requests[0]?.url.split("/") ?? [];
        expect([segments.length, segments[1], segments[2], segments[4]]).toEqual([5, "v1", "people", "tags"]);
        expect(decodeURIComponent(segments[3] ?? "")).toBe(key);
        expect(segments[3]).toMatch(/^[A-Za-z0-9._~%-]+$/);
      }),
      { numRuns: 150 },
    );
  });

  it("in the query is one parameter", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (key) => {
        const before = bench.server.requests.length;
        const settings = { url: `${bench.server.url}/v1`, query: { who: "{entity.key}" } };
        if ((await attempt(settings, key)) === "refused") return;
        const url = new URL(bench.server.requests[before]?.url ?? "", bench.server.url);
        const names = [...url.searchParams.keys()];
        // What is white space only is an empty part, and an empty parameter is left out.
        expect(names).toEqual(key.trim() === "" ? [] : ["who"]);
        if (names.length > 0) expect(url.searchParams.get("who")).toBe(key.toWellFormed());
      }),
      { numRuns: 100 },
    );
  });

  it("in a header is one line of Latin-1, or nothing is sent", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (key) => {
        const before = bench.server.requests.length;
        const result = await attempt({ url: `${bench.server.url}/v1`, headers: { "x-who": "{entity.key}" } }, key);
        const requests = bench.server.requests.slice(before);
        const plain = !/[^\t\x20-\x7e\x80-\xff]/.test(key);
        expect([result, requests.length]).toEqual(plain ? ["sent", 1] : ["refused", 0]);
        expect(requests[0]?.headers["x-evil"]).toBeUndefined();
        if (plain) expect(requests[0]?.headers["x-who"] ?? "").toBe(key.trim());
      }),
      { numRuns: 150 },
    );
  });
});
