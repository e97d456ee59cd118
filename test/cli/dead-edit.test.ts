/** `dead edit` on the store itself: what is asked, shown and kept; the editor and what is left of it. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Cli } from "../../engine/cli/context.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { openSqliteReader, openSqliteStore } from "../../engine/store/sqlite.ts";
import { CLI_NOW, runCommand } from "../support/cli.ts";
import { commitOf, deadLetter, newEvent } from "../support/store-fixtures.ts";

const sample = JSON.stringify({
  id: "evt_7",
  type: "invoice.paid",
  created: CLI_NOW / 1000 - 60,
  data: {
    object: {
      amount_paid: 4900,
      billing_reason: "subscription_cycle",
      customer: "cus_1",
      parent: { subscription_details: { subscription: "sub_1" } },
      lines: {
        data: [
          {
            quantity: 5,
            period: { end: 1_798_675_200 },
            parent: { subscription_item_details: { proration: false } },
            pricing: { price_details: { price: "price_typo" } },
          },
        ],
      },
    },
  },
});
const corrected = sample.replace("price_typo", "price_pro_year");

let folder: string;
let temporary: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-edit-test-"));
  temporary = join(folder, "tmp");
  mkdirSync(temporary);
  for (const name of ["config.yaml", "sample.env", "pipelines"])
    cpSync(join(packageRoot, name), join(folder, name), { recursive: true });
  const store = await openStore();
  const body = Buffer.from(sample);
  const event = newEvent("evt_7", { body, receivedAt: CLI_NOW - 1000, occurredAt: CLI_NOW - 60_000 });
  await store.accept({ events: [event], pipelines: [["paid-premium"]] });
  const [work = expect.unreachable("no work")] = await store.readyWork(0, 1);
  const dead = deadLetter("7", { pipeline: "paid-premium", code: "HK2021", message: "no such price" });
  await store.commitApply(commitOf(work, { outcome: { status: "dead", dead } }));
  const broken = { body: Buffer.from(sample.slice(0, -2)), type: "unreadable", receivedAt: CLI_NOW - 1000 };
  const unreadable = newEvent("evt_8", { ...broken, unreadable: { code: "HK3012", message: "no JSON" } });
  await store.accept({ events: [unreadable], pipelines: [[]] });
  await store.close();
  writeFileSync(join(folder, "good.json"), corrected);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const openStore = () =>
  openSqliteStore({ path: join(folder, "data/hookrail.db"), clock: createVirtualClock(CLI_NOW), thread: false });
const edit = (args: readonly string[], change: Partial<Cli> = {}) =>
  runCommand(folder, ["dead", "edit", ...args], change);
const because = ["--reason", "a typo at the sender"];

async function stored(id: string) {
  const reader = await openSqliteReader(join(folder, "data/hookrail.db"));
  const [story, audit] = [await reader.story(id), await reader.audit(5)];
  await reader.close();
  return { story, audit };
}

/** A terminal on which this is typed. */
const terminal = (typed: string, editor = ""): Partial<Cli> => ({
  env: { TMPDIR: temporary, PATH: process.env["PATH"], ...(editor === "" ? {} : { VISUAL: editor }) },
  stdin: { stream: Readable.from([typed]), tty: true },
});

describe("dead edit", () => {
  test("shows what would be mapped, as explain does, and does nothing before it is told to", async () => {
    const dry = await edit(["dead_7", "--body", "good.json", "--dry-run"]);
    expect(dry).toMatchObject({ code: 0, stderr: "" });
    expect(dry.stdout).toMatch(/changed +data\.object\.lines\.data\[0\]\.pricing\.price_details\.price\n/);
    expect(dry.stdout).toMatch(/paid-premium {2}applied by rule invoice\.paid/);
    expect(dry.stdout).toMatch(/subscription\.plan {2}set "pro"/);
    const piped = await edit(["dead_7", "--body", "good.json", ...because]);
    expect(piped).toMatchObject({ code: 0, stderr: expect.stringContaining("nothing was changed") });
    expect((await stored("evt_7")).story?.edits).toEqual([]);
  });

  test("keeps both bodies, gives the event its turn, and the audit has who, why and both hashes", async () => {
    const before = (await stored("evt_7")).story?.event;
    const done = await edit(["dead_7", "--body", "good.json", "--yes", "--json", ...because]);
    const document = JSON.parse(done.stdout) as Record<string, string>;
    expect(document).toMatchObject({ done: true, through: "store", turns: [{ status: "applied" }] });
    const { story, audit } = await stored("evt_7");
    const { edited, ...event } = story?.event ?? expect.unreachable("gone");
    expect(event).toEqual(before);
    expect(Buffer.from(edited ?? []).toString()).toBe(corrected);
    expect(story?.summary.pipelines).toMatchObject([{ pipeline: "paid-premium", status: "ready" }]);
    const target = `dead_7, body sha256 ${document["before_sha256"]} -> ${document["after_sha256"]}`;
    expect(audit[0]).toMatchObject({ actor: "ann", action: "dead.edit", target, reason: "a typo at the sender" });
    const told = (await runCommand(folder, ["explain", "evt_7"])).stdout.replace(/\s+/g, " ");
    expect(told).toContain("body edited by ann");
    expect(told).toContain("paths changed: data.object.lines.data[0].pricing.price_details.price;");
    expect(told).not.toContain("price_typo");
    expect((await edit(["dead_7", "--body", "good.json", "--yes", ...because])).stderr).toContain("HK8253");
    // What reads the stored event reads the corrected one.
    const read = await runCommand(folder, ["eval", "--event", "evt_7", "lines.data[0].pricing.price_details.price"]);
    expect(read.stdout).toContain("price_pro_year");
  });

  test.each([
    ["the same again", `${JSON.stringify(JSON.parse(sample), undefined, 3)}\n`, "HK8251"],
    ["no JSON", "{", "HK8252"],
    ["still no price", sample.replace("price_typo", "price_nope"), "HK8254"],
    ["too long", `"${"x".repeat(30_000_000)}"`, "HK8252"],
  ])("refuses %s and changes nothing", async (_what, body, code) => {
    writeFileSync(join(folder, "other.json"), body);
    const refused = await edit(["dead_7", "--body", "other.json", "--yes", ...because]);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(code) });
    expect((await stored("evt_7")).story?.edits).toEqual([]);
  });

  test("asks for a reason, a known dead letter and a file that is there", async () => {
    expect((await edit(["dead_7", "--body", "good.json", "--yes"])).stderr).toContain("HK8008");
    expect((await edit(["dead_none", "--body", "good.json", ...because])).stderr).toContain("HK8004");
    expect((await edit(["dead_7", "--body", "none.json", ...because])).stderr).toContain("HK8009");
    expect((await edit(["dead_7", ...because])).stderr).toContain("HK8250");
    const piped = await edit(["dead_7", "--body", "-", "--yes", ...because], { readStdin: async () => corrected });
    expect(piped.stdout).toContain("dead_7 edited; ");
  });

  test("of what could not be read gives it a type and a time; its id stays", async () => {
    const [id = ""] = JSON.parse((await runCommand(folder, ["dead", "list", "--json"])).stdout).dead_letters.flatMap(
      (one: { id: string; code: string }) => (one.code === "HK3012" ? [one.id] : []),
    );
    writeFileSync(join(folder, "whole.json"), corrected.replace("evt_7", "evt_other"));
    const done = await edit([id, "--body", "whole.json", "--yes", ...because]);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/changed +the whole body/) });
    const { story } = await stored("evt_8");
    expect(story?.event).toMatchObject({ type: "invoice.paid", occurredAt: CLI_NOW - 60_000, providerId: "evt_8" });
    expect(story?.summary.pipelines).toMatchObject([{ pipeline: "paid-premium", status: "ready" }]);
  });
});

describe("what could not be read", () => {
  test("is not retried, but told what to do; the body that came will do once it can be read", async () => {
    const store = await openStore();
    const event = newEvent("evt_9", {
      body: Buffer.from(corrected.replace("evt_7", "evt_9")),
      type: "unreadable",
      receivedAt: CLI_NOW - 1000,
      unreadable: { code: "HK3015", message: "there is no list at items" },
    });
    await store.accept({ events: [event], pipelines: [[]] });
    const id = (await store.deadLetters({ limit: 10 })).find(({ code }) => code === "HK3015")?.id ?? "";
    await store.close();
    const retried = await runCommand(folder, ["dead", "retry", id]);
    expect(retried).toMatchObject({ code: 1, stderr: expect.stringContaining("HK8257") });
    writeFileSync(join(folder, "same.json"), corrected.replace("evt_7", "evt_9"));
    expect(await edit([id, "--body", "same.json", "--yes", ...because])).toMatchObject({ code: 0 });
    expect((await stored("evt_9")).story?.event).toMatchObject({ type: "invoice.paid", providerId: "evt_9" });
  });
});

describe("the editor", () => {
  const editor = () =>
    `sh -c 'stat -c %a "$(dirname "$0")" "$0" > ${folder}/seen; sed -i s/price_typo/price_pro_year/ "$0"'`;

  test("gets the body laid out in a folder that only its owner reads, and that is gone afterwards", async () => {
    const shown = await edit(["dead_7", "--dry-run"], terminal("", editor()));
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining('set "pro"') });
    expect(readFileSync(join(folder, "seen"), "utf8")).toBe("700\n600\n");
    expect(readdirSync(temporary)).toEqual([]);
    const done = await edit(["dead_7", "--yes", ...because], terminal("", editor()));
    expect(done.stdout).toContain("dead_7 edited; ");
    const { edited } = (await stored("evt_7")).story?.event ?? {};
    expect(Buffer.from(edited ?? []).toString()).toContain('\n  "type": "invoice.paid",\n');
  });

  test("that fails, or saves nothing new, changes nothing and leaves nothing", async () => {
    expect((await edit(["dead_7", "--yes", ...because], terminal("", "false"))).stderr).toContain("HK8255");
    expect((await edit(["dead_7", "--yes", ...because], terminal("", "true"))).stderr).toContain("HK8251");
    expect(readdirSync(temporary)).toEqual([]);
    expect((await stored("evt_7")).story?.edits).toEqual([]);
  });
});
