import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chooseColors } from "../../engine/cli/context.ts";
import { changed, customer, type Files, shop, subscription } from "../plan/support.ts";
import { runCommand } from "../support/cli.ts";
import { type Bench, openBench, start } from "../worker/support.ts";

const installed: Files = { ...shop, "config.yaml": `store: sqlite:./hookrail.db\n${shop["config.yaml"]}` };
let bench: Bench;

function put(files: Files): void {
  mkdirSync(join(bench.root, "pipelines"), { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(bench.root, path), text);
}

beforeEach(async () => {
  bench = await openBench(installed);
  await bench.engine.start();
  bench.clock.set(start);
  await bench.send({ id: "e1", ...customer("c1", { seats: 3, email: "ada@example.com" }) });
  await bench.send({
    id: "e2",
    ...subscription("s1", { id: "c1", plan: "pro", amount: 7, state: "active", seats: 3 }),
  });
  put(installed);
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", bench.root, "-c", "user.name=a", "-c", "user.email=a@b", ...args], { stdio: "ignore" });
  git("init", "-q", "-b", "main");
  git("add", "config.yaml", "pipelines");
  git("commit", "-q", "-m", "first");
});
afterEach(() => bench.close());

const plan = (...argv: readonly string[]) => runCommand(bench.root, ["plan", ...argv]);
const contents = () =>
  readdirSync(bench.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(".git"))
    // What SQLite keeps beside the file for its readers is no content.
    .filter((entry) => !entry.name.endsWith("-shm"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, statSync(path).mtimeMs, createHash("sha256").update(readFileSync(path)).digest("hex")]);

describe("hookrail plan", () => {
  test("exits 0 without and 2 with changes, in all forms, and writes nothing", async () => {
    const same = await plan("--against", "main");
    expect([same.code, same.stdout]).toEqual([0, expect.stringContaining("No changes.")]);
    put(changed(installed, "amount: amount", "amount: amount + 1"));
    const before = contents();
    const pretty = await plan("--against", "main");
    expect(pretty.code).toBe(2);
    expect(pretty.stdout).toContain("~ subscription.amount  1 change");
    expect(pretty.stdout).toMatch(/evt_\w+ subscription\/s1: 7 -> 8/);
    expect(pretty.stdout).not.toContain("ada@example.com");
    const json = JSON.parse((await plan("--against", "main", "--json")).stdout);
    expect(json).toMatchObject({
      format_version: "1.0",
      changes_present: true,
      basis: { kind: "stored", events: 2 },
      pipelines: [{ pipeline: "orders", attributes: [{ attribute: "amount", change: 1 }] }],
    });
    const markdown = await plan("--against", "main", "--format", "markdown");
    expect(markdown.stdout).toContain("<details open><summary>orders</summary>");
    expect(contents()).toEqual(before);
    expect((await plan("--against", "main", "--exit-zero")).code).toBe(0);
    for (const against of ["running", "."])
      expect([against, (await plan("--against", against)).code]).toEqual([against, against === "." ? 0 : 2]);
  });

  test("plans over samples of the tests where nothing is stored, and makes no store", async () => {
    const elsewhere = {
      ...installed,
      "config.yaml": installed["config.yaml"]?.replace("hookrail.db", "none/x.db") ?? "",
    };
    put(elsewhere);
    const run = await plan("--against", ".");
    expect([run.code, run.stderr]).toEqual([0, expect.stringContaining("no stored events")]);
    expect(readdirSync(bench.root)).not.toContain("none");
  });

  test("plans over a corpus where there is no store, as the store would have it", async () => {
    const folder = join(bench.root, "corpus");
    const recorded = await runCommand(bench.root, ["record", "--last", "1", "--corpus", "corpus", "--json"]);
    expect(JSON.parse(recorded.stdout)).toMatchObject({ corpus: { events: 1, entities: 1, left_out: [] } });
    for (const name of ["hookrail.db", "record.key"]) rmSync(join(bench.root, name));
    put(changed(installed, "amount: amount", "amount: amount + 1"));
    const before = contents();
    const run = await plan("--against", "main", "--corpus", "corpus", "--json");
    expect([run.code, run.stderr]).toEqual([2, ""]);
    expect(JSON.parse(run.stdout)).toMatchObject({
      basis: { kind: "corpus", events: 1 },
      pipelines: [{ attributes: [{ attribute: "amount", change: 1, examples: [{ before: "7", after: "8" }] }] }],
    });
    const pretty = await plan("--against", "main", "--corpus", folder);
    expect(pretty.stdout).toContain("over 1 recorded events, ");
    expect(contents()).toEqual(before);
    expect(await plan("--against", "main", "--corpus", "pipelines")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("manifest.json can not be read"),
    });
    expect(await plan("--against", "main", "--corpus", "corpus", "--last", "3")).toMatchObject({ code: 64 });
  });

  test("shows on a terminal how far it is, and leaves nothing of that behind", async () => {
    let err = "";
    const write = (text: string) => {
      err += text;
    };
    const tty = { write, tty: true, columns: 80, color: chooseColors(false, {}) };
    const run = await runCommand(bench.root, ["plan", "--against", "main"], { err: tty });
    expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("No changes.")]);
    expect(err).toContain("[############            ] 1 of 2 events");
    expect(err.endsWith(`[${"#".repeat(24)}] 2 of 2 events\r\u001b[K`)).toBe(true);
  });

  test("takes a span of time, and the newest of it", async () => {
    put(changed(installed, "amount: amount", "amount: amount + 1"));
    const basisOf = async (...argv: readonly string[]) =>
      JSON.parse((await plan("--against", "main", "--json", ...argv)).stdout).basis;
    expect(await basisOf("--last", "1")).toMatchObject({ events: 1, left_out: { more: 1 } });
    const at = new Date(start).toISOString();
    expect(await basisOf("--since", at)).toMatchObject({ events: 2, left_out: { more: 0 } });
    const later = await plan("--against", "main", "--since", new Date(start + 1).toISOString());
    expect(later.stderr).toContain("no stored events");
    expect(await plan("--against", "main", "--since", "soon")).toMatchObject({ code: 64 });
  });

  test("needs no secret to be set", async () => {
    const unset = changed(installed, "secrets: [test-secret]", 'secrets: ["${SHOP_SECRET}"]');
    put(changed(unset, "amount: amount", "amount: amount + 1"));
    const run = await plan("--against", "main");
    expect([run.code, run.stderr]).toEqual([2, ""]);
  });

  test("says what is wrong: no such revision, a side with errors, no config", async () => {
    const nowhere = await plan("--against", "--output=x");
    expect([nowhere.code, nowhere.stderr]).toEqual([64, expect.stringContaining("HK8120")]);
    put(changed(installed, "amount: amount", "amountt: amount"));
    const faulty = await plan("--against", "main");
    expect(faulty.code).toBe(1);
    expect(faulty.stderr).toMatch(/HK1042[\s\S]*HK8122/);
    put({ "config.yaml": "a: [" });
    expect((await plan("--against", "main")).code).toBe(1);
  });
});
