/**
 * Every verb through the real program: its exit codes (0 fine, 1 findings, 2 changes, 64 usage, 70 internal, 78 config),
 * data on stdout and messages on stderr, JSON with the version of its format, no colour where output is piped.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { chooseColors } from "../../engine/cli/context.ts";
import { runCommand } from "../support/cli.ts";
import { type CommandResult, createInstallation, type Installation } from "../support/engine-process.ts";

vi.mock(import("../../engine/config/validate.ts"), async (real) => {
  const { keepValidators } = await import("../support/kept-validators.ts");
  return keepValidators(await real());
});

/** Verbs and the verbs below them, from the program's own help. */
async function commandTree(): Promise<readonly string[]> {
  const namesIn = (help: string) =>
    [...help.slice(help.indexOf("Commands:")).matchAll(/^ {2}([a-z]+)(?: |$)/gm)]
      .map(([, name = ""]) => name)
      .filter((name) => name !== "help");
  const folder = mkdtempSync(join(tmpdir(), "hookrail-verbs-"));
  try {
    const verbs = namesIn((await runCommand(folder, ["--help"])).stdout);
    const all: string[] = [];
    for (const verb of verbs) {
      const { stdout } = await runCommand(folder, [verb, "--help"]);
      const below = stdout.includes("Commands:") ? namesIn(stdout) : [];
      all.push(...(below.length === 0 || verb === "docs" ? [verb] : []), ...below.map((name) => `${verb} ${name}`));
    }
    return all;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
const tree = await commandTree();

// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour begins with
const COLOUR = /\u001b\[/;

/** What holds of every run, whatever it does. */
function holds(name: string, run: CommandResult): void {
  expect(run.stdout, `${name}: colour on a pipe`).not.toMatch(COLOUR);
  expect(run.stderr, `${name}: colour on a pipe`).not.toMatch(COLOUR);
  expect([0, 1, 2, 64, 78], `${name}: ${run.stderr}`).toContain(run.code);
  expect(run.stderr, name).not.toMatch(/internal error|\n {4}at /);
  if (run.code >= 64) expect([run.stdout, run.stderr !== ""], `${name}: a refusal is a message`).toEqual(["", true]);
}

/** JSON documents of stdout: one, or one a line. */
function documents(name: string, stdout: string): readonly Record<string, unknown>[] {
  try {
    return [JSON.parse(stdout) as Record<string, unknown>];
  } catch {
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        try {
          return JSON.parse(line) as Record<string, unknown>;
        } catch {
          return expect.unreachable(`${name}: not JSON: ${line}`);
        }
      });
  }
}

describe("wrong usage is 64, said on stderr, with nothing on stdout", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "hookrail-verbs-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(tree)("%s --no-such-option", async (command) => {
    const run = await runCommand(folder, [...command.split(" "), "--no-such-option"]);
    holds(command, run);
    expect(run.code).toBe(64);
  });

  test.each(tree)("%s: help is data, and fine", async (command) => {
    const run = await runCommand(folder, [...command.split(" "), "--help"]);
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect(run.stdout).toMatch(/^Usage: hookrail /);
  });
});

/** Verbs that need no installation. */
const ANYWHERE = new Set([
  "explain",
  "verify",
  "init",
  "plugins",
  "schema",
  "completion",
  "token new",
  "docs reference",
  "docs errors",
  "help",
]);
/** What a verb needs to get as far as its config. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  explain: ["evt_0"],
  record: ["evt_0"],
  eval: ["1"],
  "dead show": ["dead_0"],
  "dead retry": ["dead_0"],
  "dead edit": ["dead_0"],
  "dead discard": ["dead_0", "--reason", "why"],
  pause: ["pipeline", "paid-premium"],
  resume: ["pipeline", "paid-premium"],
  plan: ["--against", "HEAD"],
  erase: ["--entity", "customer:cus_1", "--dry-run"],
  backup: ["copy.db"],
  restore: ["copy.db"],
  replay: ["evt_0"],
  "secrets show": ["stripe", "x"],
  "secrets accept": ["stripe", "x"],
  "secrets discard": ["stripe", "x"],
  "alerts silence": ["pipeline=x", "--for", "1h", "--reason", "why"],
  "alerts unsilence": ["1"],
  "alerts test": ["x"],
};

describe("without a config every verb that needs one is 78", () => {
  test.each(tree.filter((command) => !ANYWHERE.has(command)))("%s", async (command) => {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-verbs-"));
    try {
      const run = await runCommand(folder, [...command.split(" "), ...(ARGUMENTS[command] ?? [])]);
      holds(command, run);
      expect([run.code, run.stderr]).toEqual([78, expect.stringContaining("HK8001")]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What an installation with one delivered event, and no engine running, answers. */
const FINE: readonly (readonly string[])[] = [
  ["check"],
  ["test", "form-lead", "--no-generated"],
  ["events"],
  ["dead", "list"],
  ["status"],
  ["secrets", "list"],
  ["plugins", "--own"],
  ["explain", "HK8001"],
  ["explain", "lead:ada@example.com.company"],
  ["send", "--list"],
  ["docs", "--format", "csv", "--out", "out"],
  ["fmt", "--check"],
  ["echo"],
  ["backup", "copy.db"],
  ["restore", "copy.db", "--dry-run"],
  ["erase", "--entity", "lead:ada@example.com", "--dry-run"],
];

/** A finding or failure: exit 1. */
const FOUND: readonly (readonly string[])[] = [
  ["explain", "evt_0"],
  ["dead", "show", "dead_0"],
  ["fmt", "--check", "broken.yaml"],
  ["docs", "--format", "csv", "--out", "never", "--check"],
  ["verify", "refused.json"],
  ["restore", "no-such-file.db"],
];

describe("an installation that has run", () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = createInstallation({
      shipped: true,
      files: {
        "broken.yaml": "a:\n    b: 1\n",
        "refused.json": JSON.stringify({
          provider: "github",
          secret: "x",
          method: "POST",
          url: "/hooks/github",
          headers: {},
          bodyBase64: "e30=",
        }),
        "docs/runbooks/paid-premium.md": "# x\n",
        "docs/runbooks/trial-ending.md": "# x\n",
        "docs/runbooks/form-lead.md": "# x\n",
        "docs/runbooks/feature-requests.md": "# x\n",
      },
    });
    const engine = await installation.start();
    const sent = await installation.hookrail("send", "typeform/form_response", "--json");
    expect([sent.code, sent.stderr.match(COLOUR)]).toEqual([0, null]);
    expect(documents("send", sent.stdout)[0]).toHaveProperty("format_version");
    // The engine ends when what it took is delivered.
    await engine.end("SIGTERM");
  }, 60_000);
  afterAll(() => installation.remove());

  test.each(FINE.map((words) => [words.join(" "), [...words]] as const))(
    "%s: fine, and as JSON with its version",
    async (_name, words) => {
      const told = await installation.hookrail(...words);
      holds(words.join(" "), told);
      expect([told.code, told.code === 0 ? "" : told.stderr], words.join(" ")).toEqual([0, ""]);
      // The streams of the process are known by now: what is written on them needs none.
      const json = await runCommand(installation.root, [
        ...words,
        "--json",
        ...(words[0] === "backup" ? ["--force"] : []),
      ]);
      holds(words.join(" "), json);
      expect(json.code, json.stderr).toBe(0);
      const all = documents(words.join(" "), json.stdout);
      expect(all.length).toBeGreaterThan(0);
      for (const one of all)
        expect(one, words.join(" ")).toHaveProperty("format_version", expect.stringMatching(/^\d+\.\d+$/));
    },
  );

  test.each(FOUND.map((words) => [words.join(" "), [...words]] as const))(
    "%s: findings are 1",
    async (_name, words) => {
      const run = await runCommand(installation.root, words);
      holds(words.join(" "), run);
      expect(run.code, run.stdout + run.stderr).toBe(1);
      expect(run.stdout + run.stderr).not.toBe("");
    },
  );

  test("a config with an error: check finds it (1), what needs the config refuses (1), and a listing works all the same", async () => {
    const broken = join(installation.root, "broken");
    mkdirSync(join(broken, "pipelines"), { recursive: true });
    writeFileSync(
      join(broken, "config.yaml"),
      "teams: { a: {} }\nsources: { s: { provider: stripr, path: /s } }\nstore: sqlite:../data/hookrail.db\n",
    );
    const at = async (...argv: string[]) => {
      const run = await installation.hookrail("-c", "broken", ...argv);
      holds(argv.join(" "), run);
      return run;
    };
    expect((await at("check")).code).toBe(1);
    expect(documents("check", (await at("check", "--json")).stdout)[0]).toHaveProperty("format_version");
    expect(await at("docs")).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("HK8019") });
    expect(await at("events")).toMatchObject({ code: 0, stdout: expect.stringContaining("form_response") });
  });

  test("plan: 0 without changes, 2 with, and the data is on stdout", async () => {
    const other = join(installation.root, "other");
    mkdirSync(other);
    const { cpSync, readFileSync } = await import("node:fs");
    for (const name of ["config.yaml", "sample.env", "pipelines"])
      cpSync(join(installation.root, name), join(other, name), { recursive: true });
    const same = await installation.hookrail("plan", "--against", "other", "--samples");
    holds("plan", same);
    expect(same.code, same.stderr).toBe(0);
    const path = join(other, "pipelines/form-lead.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("{ value: typeform }", "{ value: form }"));
    const changed = await installation.hookrail("plan", "--against", "other", "--samples", "--json");
    holds("plan", changed);
    expect(changed.code, changed.stderr).toBe(2);
    expect(documents("plan", changed.stdout)[0]).toHaveProperty("format_version");
  });

  test("a fault of ours is 70, on stderr", async () => {
    const run = await runCommand(installation.root, ["fmt", "-"], {
      readStdin: () => Promise.reject(new TypeError("ours")),
    });
    expect([run.code, run.stdout, run.stderr]).toEqual([70, "", expect.stringContaining("internal error")]);
  });
});

test("the tables name verbs that there are, and every verb with --json is among those that are run with it", async () => {
  const known = new Set(tree.flatMap((command) => [command, command.split(" ")[0] ?? ""]));
  for (const words of [...FINE, ...FOUND]) expect(known, words.join(" ")).toContain(words[0]);
  for (const command of [...Object.keys(ARGUMENTS), ...ANYWHERE])
    if (command !== "help" && command !== "dead edit") expect(known, command).toContain(command);
  const folder = mkdtempSync(join(tmpdir(), "hookrail-verbs-"));
  try {
    const withJson: string[] = [];
    for (const command of tree)
      if ((await runCommand(folder, [...command.split(" "), "--help"])).stdout.includes("--json"))
        withJson.push(command);
    const run = FINE.map((words) =>
      words
        .filter((word) => /^[a-z]+$/.test(word))
        .slice(0, 2)
        .join(" "),
    );
    const tried = (command: string) =>
      run.some((words) => words === command || words.startsWith(`${command} `) || words.split(" ")[0] === command);
    // They act, ask a running engine, or never end: their own tests read their JSON.
    const elsewhere =
      /^(replay|reload|tail|top|seed|record|eval|verify|plan|send|token new|docs alerts|dead (retry|show|edit|discard)|secrets (show|accept|discard)|alerts .*|pause|resume|erase|run)$/;
    expect(withJson.filter((command) => !tried(command) && !elsewhere.test(command))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("colours: none where output is piped or NO_COLOR is set, and those of FORCE_COLOR where it is asked for", () => {
  const red = (tty: boolean, env: Record<string, string>) => COLOUR.test(chooseColors(tty, env).red("x"));
  expect(red(true, {})).toBe(true);
  expect(red(false, {})).toBe(false);
  expect(red(true, { NO_COLOR: "1" })).toBe(false);
  expect(red(true, { NO_COLOR: "" })).toBe(true);
  expect(red(true, { TERM: "dumb" })).toBe(false);
  expect(red(false, { FORCE_COLOR: "1" })).toBe(true);
});
