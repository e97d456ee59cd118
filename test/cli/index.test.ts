import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../engine/core/clock.ts";
import { errorCatalogue } from "../../engine/core/errors.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import { runCommand } from "../support/cli.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("runCli", () => {
  test("prints help and version on stdout and exits 0", async () => {
    const help = await runCommand(folder, ["--help"]);
    expect([help.code, help.stderr]).toEqual([0, ""]);
    for (const verb of [
      "run",
      "check",
      "test",
      "send",
      "events",
      "explain",
      "dead",
      "pause",
      "resume",
      "status",
      "verify",
      "init",
      "schema",
      "docs",
    ])
      expect(help.stdout).toMatch(new RegExp(`^  ${verb}\\b`, "m"));
    expect(await runCommand(folder, ["--version"])).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
  });

  test.each([
    [[]],
    [["nope"]],
    [["explain"]],
    [["events", "--nope"]],
    [["events", "--limit", "0"]],
    [["events", "--outcome", "fine"]],
  ])("wrong usage is 64, said on stderr: %j", async (argv) => {
    const run = await runCommand(folder, argv);
    expect([run.code, run.stdout]).toEqual([64, ""]);
    expect(run.stderr).not.toBe("");
  });

  test("without a config it says so, and exits 78", async () => {
    for (const argv of [["events"], ["run"], ["check"], ["dead", "list"], ["-c", "elsewhere", "status"]]) {
      const run = await runCommand(folder, argv);
      expect([argv, run.code, run.stderr]).toEqual([argv, 78, expect.stringContaining("HK8001")]);
    }
  });

  test("without a store, listings say what to do and exit 1", async () => {
    writeFileSync(join(folder, "config.yaml"), "store: sqlite:./data/x.db\n");
    const run = await runCommand(folder, ["events"]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringMatching(/HK8002.*data\/x\.db/s)]);
  });

  test("a config that can not be parsed is no obstacle to a listing", async () => {
    writeFileSync(join(folder, "config.yaml"), "a: [");
    expect((await runCommand(folder, ["events"])).stderr).toContain(join(folder, "data/hookrail.db"));
  });

  test("suggests commands for the installation it was pointed at", async () => {
    mkdirSync(join(folder, "conf"));
    writeFileSync(join(folder, "conf/config.yaml"), "");
    const store = await openSqliteStore({ path: join(folder, "conf/data.db"), clock: systemClock });
    await store.close();
    writeFileSync(join(folder, "conf/config.yaml"), "store: sqlite:./data.db\n");
    const told = async (...argv: string[]) => (await runCommand(folder, [...argv, "events"])).stderr;
    expect(await told("-c", "conf")).toContain(" -c conf send stripe/invoice.paid");
    expect(await told("--config", join(folder, "conf/config.yaml"))).toContain(
      `-c ${join(folder, "conf/config.yaml")} send`,
    );
  });

  test("finds the store through references and the env file", async () => {
    mkdirSync(join(folder, "conf"));
    writeFileSync(
      join(folder, "conf/config.yaml"),
      'env_file: x.env\nstore: { url: "sqlite:./${WHERE}/${FILE}.db" }\n',
    );
    writeFileSync(join(folder, "conf/x.env"), "WHERE=there\nFILE=from-file\n");
    const run = await runCommand(folder, ["-c", "conf", "events"], { env: { FILE: "from-env" } });
    expect(run.stderr).toContain(join(folder, "conf/there/from-env.db"));
  });
});

describe("explain HK….", () => {
  test("every code has its page", async () => {
    for (const code of Object.keys(errorCatalogue)) {
      const run = await runCommand(folder, ["explain", code.toLowerCase()]);
      expect([code, run.code]).toEqual([code, 0]);
      expect(run.stdout).toContain(code);
    }
  });

  test("an unknown code is 64", async () => {
    expect(await runCommand(folder, ["explain", "HK0000"])).toMatchObject({ code: 64, stdout: "" });
  });

  test("as JSON it carries the version of its format", async () => {
    const run = await runCommand(folder, ["explain", "HK8001", "--json"]);
    expect(JSON.parse(run.stdout)).toMatchObject({
      format_version: "1.0",
      code: "HK8001",
      title: "No config.yaml here",
    });
  });
});

describe("docs", () => {
  test("errors lists every code once", async () => {
    const { stdout } = await runCommand(folder, ["docs", "errors"]);
    const headings = [...stdout.matchAll(/^### (HK\d{4}):/gm)].map((match) => match[1]);
    expect(headings.sort()).toEqual(Object.keys(errorCatalogue).sort());
  });

  test("reference --check finds a page that was changed by hand", async () => {
    expect((await runCommand(folder, ["docs", "reference"])).code).toBe(0);
    expect((await runCommand(folder, ["docs", "reference", "--check"])).code).toBe(0);
    writeFileSync(join(folder, "docs/errors.md"), "# mine\n");
    const run = await runCommand(folder, ["docs", "reference", "--check"]);
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining("errors.md")]);
  });
});

describe("schema", () => {
  test("prints a JSON Schema for each kind of file", async () => {
    for (const kind of ["config", "pipeline", "contract", "provider", "sink"]) {
      const run = await runCommand(folder, ["schema", "--of", kind]);
      expect(JSON.parse(run.stdout)).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema" });
    }
    expect((await runCommand(folder, ["schema", "--of", "x"])).code).toBe(64);
  });
});
