import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { namesOf, shippedFiles } from "../../engine/config/shipped.ts";
import { runCommand } from "../support/cli.ts";

vi.mock(import("../../engine/config/validate.ts"), async (real) => {
  const { keepValidators } = await import("../support/kept-validators.ts");
  return keepValidators(await real());
});

const providers = namesOf(shippedFiles.list("plugins/providers/"), "plugins/providers");
const sinks = ["file", "http", "sql", ...namesOf(shippedFiles.list("plugins/sinks/"), "plugins/sinks")];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-init-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The scaffold has no error and nothing to warn of, and every test of it holds, the generated ones too. */
async function isSound(name: string, ...options: string[]): Promise<void> {
  const made = await runCommand(folder, ["init", name, ...options]);
  expect([made.code, made.stderr], name).toEqual([0, expect.stringContaining("next:")]);
  const at = (...argv: string[]) => runCommand(folder, ["-c", name, ...argv]);
  const check = await at("check", "--strict");
  expect([check.code, check.code === 0 ? "" : check.stdout], name).toEqual([0, ""]);
  const run = await at("test");
  expect([run.code, run.code === 0 ? "" : run.stdout], name).toEqual([0, ""]);
  expect(run.stdout, name).toMatch(/^exercised: fields (\d+)\/\1 .* sinks (\d+)\/\2$/m);
}

// Each checks, compiles and runs a whole installation: on a busy machine that takes its time.
describe("init", { timeout: 60_000 }, () => {
  test.each(providers)("%s into a local database passes check and test", async (provider) => {
    await isSound(`p-${provider}`, "--provider", provider);
  });

  test.each(sinks)("stripe into %s passes check and test", async (sink) => {
    await isSound(`s-${sink}`, "--provider", "stripe", "--sink", sink);
    for (const argv of [
      ["fmt", "--check"],
      ["docs", "--format", "csv"],
    ])
      expect(await runCommand(folder, ["-c", `s-${sink}`, ...argv]), argv.join(" ")).toMatchObject({ code: 0 });
  });

  test("comments stand below each other, however long the names are", async () => {
    await runCommand(folder, ["init", "noted", "--provider", "discord", "--sink", "slack"]);
    const lines = readFileSync(join(folder, "noted/config.yaml"), "utf8").split("\n");
    const columns = lines.filter((line) => /^ *\w+:.* # /.test(line)).map((line) => line.indexOf(" # "));
    expect(columns.length).toBeGreaterThan(3);
    expect(new Set(columns).size).toBe(1);
  });

  test("without options: the first installation of the docs, sound as well", async () => {
    await isSound("plain");
    for (const argv of [["fmt", "--check"], ["docs"], ["docs", "--check"]])
      expect(await runCommand(folder, ["-c", "plain", ...argv]), argv.join(" ")).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, "plain/docs/runbooks/paid-premium.md"))).toBe(true);
    expect(existsSync(join(folder, "plain/ci"))).toBe(false);
  });

  test("keeps secrets to the owner and out of git, and gives CI names with values of their own", async () => {
    await runCommand(folder, ["init", "secret", "--provider", "github", "--sink", "hubspot"], {
      randomHex: (bytes) => Buffer.alloc(bytes, Math.random() * 256).toString("hex"),
    });
    expect(statSync(join(folder, "secret/.env")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "secret/.gitignore"), "utf8")).toContain(".env\n");
    const names = (file: string) => readFileSync(join(folder, file), "utf8").match(/^\w+(?==)/gm);
    expect(names("secret/.env")).toEqual(["GITHUB_SECRET", "HUBSPOT_TOKEN"]);
    expect(names("secret/.env.example")).toEqual(names("secret/.env"));
    const secretOf = (file: string) => /GITHUB_SECRET=(.*)/.exec(readFileSync(join(folder, file), "utf8"))?.[1];
    expect(secretOf("secret/.env")).not.toBe(secretOf("secret/.env.example"));
    execFileSync("git", ["init", "-q", join(folder, "secret")]);
    const tracked = execFileSync("git", ["-C", join(folder, "secret"), "status", "--porcelain", "-uall"], {
      encoding: "utf8",
    });
    expect(tracked).not.toMatch(/ \.env$/m);
    expect(tracked).toMatch(/ \.env\.example$/m);
  });

  test("a key that stands in for a provider's is said to be one: when it is made, in its file and on production", async () => {
    const made = await runCommand(folder, ["init", "key", "--provider", "discord"]);
    expect(made.stderr).toMatch(/^keys\/discord\.dev\.pem is for tests: put the provider's public key there/m);
    expect(readFileSync(join(folder, "key/keys/discord.dev.pem"), "utf8")).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n.*\n-----END PRIVATE KEY-----\n# Made by "hookrail init"/s,
    );
    const config = join(folder, "key/config.yaml");
    expect((await runCommand(folder, ["-c", "key", "check"])).stdout).not.toContain("HK1247");
    writeFileSync(config, readFileSync(config, "utf8").replace("environment: dev", "environment: production"));
    const onProduction = await runCommand(folder, ["-c", "key", "check"]);
    expect(onProduction.stdout).toContain("warning[HK1247]: source `discord` verifies with a private key");
    expect(onProduction.stdout).not.toContain("BEGIN");
    const publicKey = createPublicKey(readFileSync(join(folder, "key/keys/discord.dev.pem"))).export({
      format: "pem",
      type: "spki",
    });
    writeFileSync(join(folder, "key/keys/discord.dev.pem"), publicKey);
    expect((await runCommand(folder, ["-c", "key", "check"])).stdout).not.toContain("HK1247");
  });

  test.each([
    ["github", ".github/workflows/hookrail.yml"],
    ["gitlab", ".gitlab-ci.yml"],
  ])("--ci %s puts the CI file in its place", async (kind, file) => {
    const run = await runCommand(folder, [
      "init",
      `ci-${kind}`,
      "--provider",
      "stripe",
      "--ci",
      kind,
      "--pipeline",
      "mine",
    ]);
    expect(run.stdout).toContain(`ci-${kind}/${file}\n`);
    expect(run.stdout).toContain(`ci-${kind}/pipelines/mine.yaml\n`);
    expect(parse(readFileSync(join(folder, `ci-${kind}`, file), "utf8"))).toBeTypeOf("object");
  });

  test("on a terminal without options it asks, and asks again about a name that is not there", async () => {
    const typed = Readable.from(["githib\n", "github\n", "\n", "issues\n", "none\n"]);
    const told: string[] = [];
    const run = await runCommand(folder, ["init", "asked"], {
      stdin: { stream: typed, tty: true },
      err: {
        write: (text) => void told.push(text),
        tty: true,
        columns: 80,
        color: (await import("../../engine/cli/context.ts")).chooseColors(false, {}),
      },
    });
    expect(run.code).toBe(0);
    expect(told.join("")).toContain("did you mean `github`");
    expect(run.stdout).toContain("asked/pipelines/issues.yaml\n");
    expect(readFileSync(join(folder, "asked/config.yaml"), "utf8")).toContain("provider: github");
  });

  test("overwrites nothing, and says so before it writes anything", async () => {
    await runCommand(folder, ["init", "taken", "--provider", "github"]);
    rmSync(join(folder, "taken/config.yaml"));
    const again = await runCommand(folder, ["init", "taken", "--provider", "github"]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("HK8010")]);
    expect(existsSync(join(folder, "taken/config.yaml"))).toBe(false);
  });

  test.each([
    [["--provider", "stripr"], /HK8171.*did you mean `stripe`/s],
    [["--sink", "hubspt"], /HK8171.*did you mean `hubspot`/s],
    [["--pipeline", "No Good"], /HK8009/],
    [["--ci", "jenkins"], /choices/],
  ])("%j is wrong usage", async (options, said) => {
    const run = await runCommand(folder, ["init", "wrong", ...options]);
    expect([run.code, run.stdout, run.stderr]).toEqual([64, "", expect.stringMatching(said)]);
    expect(existsSync(join(folder, "wrong"))).toBe(false);
  });
});
