import { once } from "node:events";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createEventParser } from "../../engine/cli/live-client.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import type { EventId, JsonObject } from "../../engine/core/types.ts";
import { createLive, type Live } from "../../engine/flow/live.ts";
import { createLiveStream, type LiveReading } from "../../engine/http/live-stream.ts";

const clock = createVirtualClock(0);
const open = (live: Live, reading: Partial<LiveReading> = {}) =>
  createLiveStream(
    { filter: {}, follow: true, ...reading },
    { live, clock, stillMay: () => true, show: ({ event, stage }) => ({ event: event ?? null, stage }) },
  );
const tell = (live: Live, n: number, status: "applied" | "dead" = "applied") =>
  live.observer.applied({
    event: `evt_${n}` as EventId,
    source: "s",
    type: "t",
    pipeline: "p",
    status,
    deliveries: 0,
    lagMs: 0,
  });

/** Takes what is there, in pieces of odd sizes. */
function read(stream: Readable) {
  const heard: { event: string; data: JsonObject }[] = [];
  const parse = createEventParser((event, data) => heard.push({ event, data }));
  for (;;) {
    const chunk: Buffer | null = stream.read();
    if (chunk === null) break;
    const text = chunk.toString();
    for (let at = 0; at < text.length; at += 7) parse(text.slice(at, at + 7));
  }
  return heard;
}
const events = (heard: ReturnType<typeof read>) =>
  heard.filter((one) => one.event === "fact").map((one) => one.data["event"]);

describe("a stream of live facts", () => {
  test("says hello, then each fact with an id to come back with; one that is gone is no listener", async () => {
    const live = createLive({ clock, name: "run1" });
    const stream = open(live);
    tell(live, 1);
    const text = `${stream.read()}${stream.read()}`;
    expect(text).toContain('event: hello\ndata: {"format_version":"1.0","live":"run1"}\n\n');
    expect(text).toContain("id: run1-1\nevent: fact\ndata: {");
    expect(live.listeners).toBe(1);
    const closed = once(stream, "close");
    stream.destroy();
    await closed;
    expect(live.listeners).toBe(0);
  });

  test("goes on where a reader left off, and tells where something is lost", () => {
    const live = createLive({ clock, name: "run2" });
    for (let n = 1; n <= 3; n++) tell(live, n);
    expect(events(read(open(live, { after: "run2-1" })))).toEqual(["evt_2", "evt_3"]);
    const restarted = read(open(live, { after: "run1-900" }));
    expect(restarted.map((one) => one.event)).toEqual(["hello", "gap", "fact", "fact", "fact"]);
    expect(events(read(open(live, { last: 2 })))).toEqual(["evt_2", "evt_3"]);
    expect(events(read(open(live, { last: 0 })))).toEqual([]);
  });

  test("shows so many a second and says how many there were; a dead letter is never left out", () => {
    const live = createLive({ clock, name: "run" });
    const stream = open(live, { perSecond: 5 });
    for (let n = 1; n <= 4_310; n++) tell(live, n, n === 4_000 ? "dead" : "applied");
    clock.advance(1_000);
    const heard = read(stream);
    expect(events(heard)).toEqual(["evt_1", "evt_2", "evt_3", "evt_4", "evt_5", "evt_4000"]);
    expect(heard.at(-1)).toEqual({ event: "sampled", data: { shown: 6, of: 4_310 } });
    tell(live, 1);
    clock.advance(1_000);
    expect(read(stream).map((one) => one.event)).toEqual(["fact"]);
  });

  test("holds only so much for a reader that takes nothing, and tells it so when it does", () => {
    const live = createLive({ clock, name: "run" });
    const stream = open(live);
    for (let n = 1; n <= 100_000; n++) tell(live, n);
    clock.advance(1_000);
    const heard: ReturnType<typeof read> = [];
    for (let more = read(stream); more.length > 0; more = read(stream)) heard.push(...more);
    expect(events(heard).length).toBeLessThan(5_000);
    expect(heard.at(-1)).toEqual({ event: "sampled", data: { shown: events(heard).length, of: 100_000 } });
    tell(live, 7);
    expect(events(read(stream))).toEqual(["evt_7"]);
  });

  test("beats when nothing happens, ends with a word when the engine stops, and at once where nobody follows", async () => {
    const live = createLive({ clock, name: "run" });
    const stream = open(live);
    read(stream);
    clock.advance(15_000);
    expect(String(stream.read())).toBe(": still here\n\n");
    live.close();
    expect(read(stream)).toEqual([{ event: "end", data: { why: "the engine stops" } }]);
    await expect(new Promise((resolve) => stream.once("end", resolve).resume())).resolves.toBeUndefined();
    const short = open(live, { follow: false });
    expect((await short.toArray()).join("")).toContain("event: hello");
    expect(live.listeners).toBe(0);
  });
});
