import { spawn } from "node:child_process";
import pc from "picocolors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseColors } from "../../engine/cli/context.ts";
import { type Screen, watch } from "../../engine/cli/top.ts";
import { frameOf, type Overview, type View } from "../../engine/cli/top-frame.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { checkoutProgram, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation } from "../support/fault-installation.ts";

const NOW = Date.UTC(2026, 10, 26, 7);
const view: View = {
  sort: "dead",
  still: false,
  columns: 120,
  rows: 40,
  color: pc.createColors(false),
  keys: true,
  now: NOW,
};

type Pipeline = Overview["pipelines"][number];
const pipeline = (
  name: string,
  lately: Partial<Pipeline["lately"]> = {},
  waiting: Partial<Pipeline["waiting"]> = {},
) => ({
  name,
  owner: "ops",
  enabled: true,
  paused: null,
  sla: { lag_ms: 60_000 },
  waiting: { held: 0, dead_letters: 0, ...waiting },
  lately: { rate: 0, success: null, lag_p50_ms: null, lag_p95_ms: null, retries: 0, history: [], ...lately },
});

const overview: Overview = {
  at: new Date(NOW).toISOString(),
  state: "running",
  pipelines: [
    pipeline("slow", { rate: 0.2, success: 1, lag_p50_ms: 2_000, lag_p95_ms: 90_000, history: [0, 4, 8] }),
    pipeline("broken", { rate: 12.345, success: 0.5, retries: 7 }, { dead_letters: 3, held: 1 }),
    { ...pipeline("quiet"), paused: { by: "ann" } },
  ],
  connections: [
    { name: "crm", open: 12, paused: null, breaker: "open" },
    { name: "local", open: 0, paused: null, breaker: "closed" },
  ],
  counts: {
    ready: 1,
    held: 1,
    open_deliveries: 12,
    open_dead_letters: 3,
    oldest_open_at: new Date(NOW - 180_000).toISOString(),
  },
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told
const plain = (text: string) => text.replaceAll(/\u001b\[[?0-9;]*[a-zA-Z]/g, "");
const widthOf = (line: string) => [...plain(line)].length;

describe("a frame", () => {
  test("has what needs a person first, and says what waits where", () => {
    const lines = frameOf(overview, view);
    expect(lines[1]).toBe("1 to apply · 1 held · 12 to deliver · 3 dead · oldest open 3 min");
    const names = lines.slice(4, 7).map((line) => line.split(/\s/)[0]);
    expect(names).toEqual(["broken", "quiet", "slow"]);
    expect(lines[4]).toMatch(/^broken\s+12\.3\/s\s+50\.0 %/);
    expect(lines[5]).toContain("quiet (paused)");
    expect(lines[6]).toMatch(/12\/min\s+100\.0 %\s+2 s\s+1\.5 min/);
    expect(lines.join("\n")).toContain("crm  12 open  breaker open");
    expect(lines.join("\n")).not.toContain("local");
    expect(lines.at(-1)).toContain("q quit");
  });

  test("sorts by what it is told to", () => {
    const first = (sort: View["sort"]) => frameOf(overview, { ...view, sort })[4]?.split(/\s/)[0];
    expect([first("dead"), first("lag"), first("rate"), first("name")]).toEqual(["broken", "slow", "broken", "broken"]);
  });

  test.each([200, 80, 60, 40, 20])("fits into %d columns, colours and all", (columns) => {
    const color = pc.createColors(true);
    for (const line of frameOf(overview, { ...view, columns, color }))
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(frameOf(overview, { ...view, columns }).join("\n")).toContain("broken");
  });

  test("fits into the rows there are, and says how much it leaves out", () => {
    const many = { ...overview, pipelines: Array.from({ length: 50 }, (_, n) => pipeline(`p${n}`)) };
    const lines = frameOf(many, { ...view, rows: 12 });
    expect(lines).toHaveLength(12);
    expect(lines.join("\n")).toMatch(/… \d+ more lines/);
  });

  test("lets no name of the config move the cursor", () => {
    const nasty = { ...overview, pipelines: [{ ...pipeline("x"), owner: "a\u001b[2Jb" }] };
    expect(frameOf(nasty, { ...view, columns: 200 }).join("\n")).not.toContain("\u001b");
  });
});

describe("watching", () => {
  function start(answers: (() => Promise<Overview>)[]) {
    const clock = createVirtualClock(NOW);
    const written: string[] = [];
    let [press, resize] = [(_key: string): void => {}, (): void => {}];
    let size = { columns: 100, rows: 30 };
    let closed = false;
    const screen: Screen = {
      size: () => size,
      write: (text) => written.push(text),
      onKey: (handler) => (press = handler),
      onResize: (handler) => (resize = handler),
      close: () => (closed = true),
    };
    let looks = 0;
    const look = () => {
      looks++;
      return (answers.shift() ?? (async () => overview))();
    };
    const out = { write: () => {}, tty: true, columns: 100, color: chooseColors(false, {}) };
    const done = watch({ clock, out, onStopSignal: () => {} }, { look, screen, everyMs: 2_000, sort: "dead" });
    const settle = () => new Promise((resolve) => setImmediate(resolve));
    return {
      written,
      done,
      settle,
      press: (key: string) => press(key),
      resize(columns: number, rows: number) {
        size = { columns, rows };
        resize();
      },
      async pass(ms: number) {
        await settle();
        clock.advance(ms);
        await settle();
      },
      looks: () => looks,
      closed: () => closed,
    };
  }

  test("looks again and again until q, and gives the terminal back", async () => {
    const top = start([]);
    await top.pass(2_000);
    await top.pass(2_000);
    expect(top.looks()).toBe(3);
    top.press("q");
    expect(await top.done).toBe(0);
    expect(top.written[0]).toContain("\u001b[?1049h");
    expect(top.written.at(-1)).toBe("\u001b[?25h\u001b[?1049l");
    expect(top.closed()).toBe(true);
  });

  test("p holds it still, s sorts anew, a new size is a new frame", async () => {
    const top = start([]);
    await top.settle();
    top.press("p");
    expect(top.written.at(-1)).toContain("held still");
    await top.pass(10_000);
    expect(top.looks()).toBe(1);
    top.press("s");
    expect(top.written.at(-1)).toContain("sort (lag)");
    top.resize(30, 8);
    const lines = plain(top.written.at(-1) ?? "").split("\r\n");
    expect(lines.length).toBeLessThanOrEqual(8);
    for (const line of lines) expect([...line].length).toBeLessThanOrEqual(30);
    top.press("p");
    await top.settle();
    expect(top.looks()).toBe(2);
    top.press("\u0003");
    expect(await top.done).toBe(0);
  });

  test("an engine that goes away is said, and found again", async () => {
    const gone = () => Promise.reject(new Error("no engine answers"));
    const top = start([async () => overview, gone]);
    await top.pass(2_000);
    expect(top.written.at(-1)).toContain("no engine answers");
    expect(top.written.at(-1)).toContain("broken");
    await top.pass(2_000);
    expect(top.written.at(-1)).not.toContain("no engine answers");
    top.press("q");
    await top.done;
  });
});

describe("the commands", () => {
  let installation: Installation;
  let engine: RunningEngine;
  beforeAll(async () => {
    installation = createFaultInstallation();
    engine = await installation.start();
  });
  afterAll(async () => {
    await engine?.end("SIGKILL");
    installation?.remove();
  });

  test("top is one frame when piped", async () => {
    const { code, stdout } = await installation.hookrail("top");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hookrail running/);
    expect(stdout).toContain("payments");
    expect(stdout).not.toContain("\u001b");
  });

  test("on a terminal it draws, and leaves at q", async () => {
    const command = [...checkoutProgram, "top"].map((one) => `'${one}'`).join(" ");
    const child = spawn("script", ["-qec", `stty cols 90 rows 24; ${command}`, "/dev/null"], {
      cwd: installation.root,
      env: { HOME: installation.root, TMPDIR: installation.root, PATH: "/usr/bin:/bin", TERM: "xterm" },
    });
    let shown = "";
    const drawn = Promise.withResolvers<void>();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      if (plain(shown).includes("q quit")) drawn.resolve();
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    void ended.then(() => drawn.reject(new Error(shown)));
    await drawn.promise;
    child.stdin.write("q");
    expect(await ended).toBe(0);
    expect(shown).toContain("\u001b[?1049h");
    expect(shown).toContain("\u001b[?1049l");
    for (const line of plain(shown).split("\r\n")) expect([...line].length).toBeLessThanOrEqual(90);
  });

  test("status probes end with 0 while it is so, and with 1 when no engine runs", async () => {
    for (const [probe, word] of [
      ["live", "ok"],
      ["ready", "ready"],
    ] as const) {
      expect(await installation.hookrail("status", "--probe", probe)).toMatchObject({ code: 0, stdout: `${word}\n` });
    }
    const { stdout } = await installation.hookrail("status", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      running: true,
      connections: [{ name: "local", breaker: "closed" }],
      counts: { oldest_open_at: null },
    });
    await engine.end("SIGTERM");
    expect(await installation.hookrail("status", "--probe", "ready")).toMatchObject({
      code: 1,
      stdout: "not running\n",
    });
    const top = await installation.hookrail("top");
    expect(top.code).not.toBe(0);
    expect(top.stderr).toContain("HK8190");
  });
});
