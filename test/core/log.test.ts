import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { HookrailError } from "../../engine/core/errors.ts";
import { createLog, errorFields, hashSensitive, type LogLevel, safeText } from "../../engine/core/log.ts";
import { Secret } from "../../engine/core/secret.ts";

function collect(level: LogLevel = "debug") {
  const written: string[] = [];
  const clock = createVirtualClock(0);
  const log = createLog({ stream: { write: (line: string) => void written.push(line) }, clock, level });
  return { log, clock, written, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("createLog", () => {
  test("each call is one line of JSON, whatever text it is given", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (message, value) => {
        const { log, written } = collect();
        log.warn(message, { value, list: [value] });
        expect(written).toHaveLength(1);
        const codes = [...(written[0] ?? "").trimEnd()].map((c) => c.codePointAt(0) ?? 0);
        expect(codes.every((c) => c >= 32 && !(c >= 127 && c < 160) && c !== 0x2028 && c !== 0x2029)).toBe(true);
        expect(JSON.parse(written[0] ?? "")).toMatchObject({ level: "warn" });
      }),
    );
  });

  test("a field whose name says credential is not written, and a Secret prints as such", () => {
    const { log, written } = collect();
    const canary = "canary-4f1d";
    for (const name of [
      "authorization",
      "Cookie",
      "stripe-signature",
      "api_key",
      "apiKey",
      "client_secret",
      "access_token",
      "password",
    ])
      log.info("x", { [name]: canary });
    log.info(`${new Secret(canary)}`, { error: String(new Secret(canary)) });
    log.child({ token: canary }).info("x");
    expect(written.join("")).not.toContain(canary);
    expect(written).toHaveLength(10);
  });

  test("lines below the level are not written", () => {
    const { log, lines } = collect("warn");
    log.info("a");
    log.repeating("info", "cause", "b");
    log.error("c");
    expect(lines().map((line) => line["msg"])).toEqual(["c"]);
  });

  test("a long text is cut", () => {
    const { log, written } = collect();
    log.info("x".repeat(100_000));
    expect(written[0]?.length).toBeLessThan(700);
  });

  test("a hundred thousand lines of one cause become a few lines and a count", () => {
    const { log, clock, lines } = collect();
    for (let n = 0; n < 100_000; n++) log.repeating("warn", "bad signature stripe", "request refused");
    log.repeating("warn", "bad signature github", "request refused");
    clock.advance(60_000);
    const written = lines();
    expect(written).toHaveLength(7);
    expect(written.at(-1)).toMatchObject({ cause: "bad signature stripe", times: 99_995 });
    log.repeating("warn", "bad signature stripe", "request refused");
    expect(lines()).toHaveLength(8);
  });

  test("causes without end share one count", () => {
    const { log, lines } = collect();
    for (let n = 0; n < 10_000; n++) log.repeating("warn", `cause ${n}`, "x");
    log.flush();
    expect(lines().length).toBeLessThan(520);
    expect(lines().at(-1)).toMatchObject({ cause: "other" });
  });
});

describe("openLogStream", () => {
  test.each([false, true])("a line written in another process arrives whole, readable: %s", (readable) => {
    const script = `
      import { createLog, openLogStream } from "./engine/core/log.ts";
      import { systemClock } from "./engine/core/clock.ts";
      const log = createLog({ stream: await openLogStream({ fd: 1, readable: ${readable}, color: false }), clock: systemClock });
      log.info("a\\u001b[31mb", { pipeline: "p" });
      log.flush();`;
    const output = execFileSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
      encoding: "utf8",
    });
    expect(output).toContain(readable ? "INFO: a" : '"level":"info"');
    expect(output).not.toContain("\u001b");
    expect(output.endsWith("\n") && output.trim().split("\n")).toHaveLength(1);
  });
});

describe("errorFields", () => {
  test("a foreign error's message stays out, since parsers quote what they fail on", () => {
    const parsing = () => JSON.parse('{"card":"4242 canary');
    try {
      parsing();
    } catch (error) {
      expect(JSON.stringify(errorFields(error))).not.toContain("canary");
      expect(errorFields(error)).toMatchObject({ error: "SyntaxError" });
    }
  });

  test("our own errors give code and message, others their system code", () => {
    expect(errorFields(new HookrailError("HK8005", { where: "x" }))).toEqual({
      code: "HK8005",
      error: "no engine answers at x",
    });
    expect(errorFields(Object.assign(new Error("m"), { code: "ECONNRESET" }))).toMatchObject({
      system_code: "ECONNRESET",
    });
    expect(errorFields("text")).toEqual({ error: "string" });
  });
});

describe("hashSensitive", () => {
  test("equal values match under one key and not under another", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(hashSensitive("k", a) === hashSensitive("k", b)).toBe(a === b);
        expect(hashSensitive("k", a)).not.toBe(hashSensitive("l", a));
        expect(hashSensitive("k", a)).toMatch(/^h:[0-9a-f]{16}$/);
      }),
    );
  });
});

describe("safeText", () => {
  test("plain text stays as it is", () => {
    expect(safeText("Grüße, 你好 ✓")).toBe("Grüße, 你好 ✓");
  });
});
