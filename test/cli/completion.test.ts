import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { runCommand } from "../support/cli.ts";

const complete = async (...words: string[]) => {
  const run = await runCommand(packageRoot, ["complete", "--", ...words]);
  expect([run.code, run.stderr]).toEqual([0, ""]);
  return run.stdout.split("\n").filter((line) => line !== "");
};

describe("complete", () => {
  test("gives every verb of the help, and itself not", async () => {
    const help = await runCommand(packageRoot, ["--help"]);
    const verbs = [...help.stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)]
      .map(([, verb = ""]) => verb)
      .filter((verb) => verb !== "help");
    expect(await complete("")).toEqual([...verbs].sort());
    expect(await complete("rep")).toEqual(["replay"]);
  });

  test("gives every option of every verb, from the same tree that parses them", async () => {
    for (const verb of (await complete("")).filter((one) => one !== "help")) {
      const { stdout } = await runCommand(packageRoot, [verb, "--help"]);
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = ""]) => option);
      expect(await complete(verb, "--"), verb).toEqual([...new Set(options)].sort());
    }
  });

  test.each([
    ["choices of an option", ["events", "--outcome", "d"], ["dead_letter", "delivered", "discarded"]],
    ["choices of an argument", ["completion", ""], ["bash", "fish", "zsh"]],
    ["commands of a verb", ["dead", "re"], ["retry"]],
    ["kinds to pause", ["pause", ""], ["connection", "pipeline"]],
    ["connections", ["pause", "connection", "h"], ["hubspot"]],
    ["pipelines", ["test", "tr"], ["trial-ending"]],
    ["several pipelines", ["test", "trial-ending", "pa"], ["paid-premium"]],
    ["pipelines of another config", ["-c", "docs/examples", "events", "--pipeline", "du"], ["dunning"]],
    ["sources", ["events", "--source", ""], ["github", "stripe", "typeform"]],
    ["error codes", ["explain", "HK816"], ["HK8165", "HK8166", "HK8167", "HK8168", "HK8169"]],
    ["samples", ["send", "ty"], ["typeform/form_response"]],
    ["nothing for a value nobody knows", ["events", "--since", ""], []],
  ])("%s", async (_, words, wanted) => {
    expect(await complete(...words)).toEqual(wanted);
  });

  test("without a config, or with one that is broken, the verbs are still there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-complete-"));
    try {
      expect((await runCommand(folder, ["complete", "--", "pause", "pipeline", ""])).stdout).toBe("");
      writeFileSync(join(folder, "config.yaml"), "a: [\nconnections:\n  x");
      expect(await runCommand(folder, ["complete", "--", "che"])).toMatchObject({
        code: 0,
        stdout: "check\n",
        stderr: "",
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const installed = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

describe("the script", () => {
  let bin: string;
  beforeAll(() => {
    bin = mkdtempSync(join(tmpdir(), "hookrail-bin-"));
    const program = `#!/bin/sh\nexec "${process.execPath}" "${join(packageRoot, "engine/hookrail.js")}" "$@"\n`;
    writeFileSync(join(bin, "hookrail"), program, { mode: 0o755 });
  });
  afterAll(() => rmSync(bin, { recursive: true, force: true }));
  const inShell = (shell: string, script: string) =>
    execFileSync(shell, ["-c", script], {
      cwd: packageRoot,
      encoding: "utf8",
      env: { PATH: `${bin}:${process.env["PATH"]}`, HOME: bin },
    });

  test("bash: the words under the cursor become what bash offers", () => {
    const ask = (...words: string[]) =>
      inShell(
        "bash",
        `eval "$(hookrail completion bash)"
COMP_WORDS=(hookrail ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_hookrail; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ).trim();
    expect(ask("pause", "connection", "")).toBe("crm\nhubspot\nlocal\nslack");
    expect(ask("che")).toBe("check");
    expect(ask("events", "--outc")).toBe("--outcome");
    expect(ask("events", "--since", "")).toBe("");
  });

  // Nothing is skipped where the shell is there; elsewhere the script's text is all there is to look at.
  test.runIf(installed("zsh"))("zsh takes it", () => {
    expect(
      inShell("zsh", 'autoload -U compinit; compinit -u; eval "$(hookrail completion zsh)"; whence -w _hookrail'),
    ).toContain("function");
  });

  test.runIf(installed("fish"))("fish completes with it", () => {
    expect(inShell("fish", 'hookrail completion fish | source; complete -C "hookrail pause connection "')).toContain(
      "hubspot",
    );
  });

  test("an unknown shell is wrong usage", async () => {
    expect((await runCommand(packageRoot, ["completion", "cmd"])).code).toBe(64);
  });
});
