/** The CI files that people copy: they say what GitHub and GitLab take, give no right too many, and judge exit codes rightly. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { parseDocument } from "yaml";
import { packageRoot } from "../../engine/core/paths.ts";
import { runCommand } from "../support/cli.ts";

const load = (name: string) => {
  const document = parseDocument(readFileSync(join(packageRoot, "docs/ci", name), "utf8"), {
    strict: true,
    uniqueKeys: true,
  });
  expect([document.errors, document.warnings]).toEqual([[], []]);
  return document.toJS() as Record<string, unknown>;
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface Job {
  readonly "runs-on": string;
  readonly "timeout-minutes": number;
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  readonly needs?: string;
  readonly if?: string;
}

/** Commands of hookrail in a script. */
const commandsIn = (script: string) =>
  [...script.matchAll(/npx hookrail ([^\n|>&;]+)/g)].map(([, words = ""]) => words.trim());

async function exist(commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const [verb = "", ...rest] = command.split(/\s+/);
    const { code, stdout } = await runCommand(packageRoot, [verb, "--help"]);
    expect(code, command).toBe(0);
    for (const option of rest.filter((word) => word.startsWith("--"))) expect(stdout, command).toContain(option);
  }
}

describe("github-actions.yml", () => {
  const workflow = load("github-actions.yml");
  const jobs = workflow["jobs"] as Readonly<Record<string, Job>>;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it("has the keys of a workflow and of jobs, and no others", () => {
    expect(Object.keys(workflow).sort()).toEqual(["concurrency", "defaults", "jobs", "name", "on", "permissions"]);
    const known = ["runs-on", "timeout-minutes", "permissions", "steps", "needs", "if"];
    for (const job of Object.values(jobs)) {
      expect(Object.keys(job).filter((key) => !known.includes(key))).toEqual([]);
      for (const step of job.steps) {
        expect(Object.keys(step).filter((key) => !["uses", "run", "with", "name", "env", "if"].includes(key))).toEqual(
          [],
        );
        expect([step.uses, step.run].filter((one) => one !== undefined)).toHaveLength(1);
      }
    }
  });

  it("pins every action to a commit", () => {
    const used = steps.flatMap((step) => step.uses ?? []);
    expect(used.length).toBeGreaterThan(4);
    for (const action of used) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it("runs on pull requests without the rights of the base, and lets only the job that runs none of their code write", () => {
    expect(workflow["on"]).toEqual({ pull_request: null });
    expect(workflow["permissions"]).toEqual({});
    const writers = Object.entries(jobs).filter(([, job]) => Object.values(job.permissions).includes("write"));
    expect(writers.map(([name, job]) => [name, job.permissions])).toEqual([["comment", { "pull-requests": "write" }]]);
    const [, writer] = writers[0] ?? expect.unreachable();
    expect(writer.steps.flatMap((step) => step.uses ?? []).some((uses) => uses.startsWith("actions/checkout"))).toBe(
      false,
    );
    expect(JSON.stringify(writer.steps)).not.toMatch(/npm|npx|node /);
  });

  it("puts nothing of the pull request into a script by itself", () => {
    for (const { run = "" } of steps) expect(run).not.toMatch(/\$\{\{/);
  });

  it("names commands and options that there are", async () => {
    await exist(steps.flatMap(({ run = "" }) => commandsIn(run)));
  });

  test.each([
    [0, 0],
    [2, 0],
    [1, 1],
    [78, 78],
  ])("a plan that ends with %i ends the step with %i", (planned, ended) => {
    const script = jobs["plan"]?.steps.find((step) => step.name === "Plan")?.run ?? expect.unreachable();
    expect(runScript(script, planned, { GITHUB_STEP_SUMMARY: "summary.md", BASE: "origin/main" })).toEqual({
      code: ended,
      plan: "a plan\n",
    });
  });
});

describe("gitlab-ci.yml", () => {
  const file = load("gitlab-ci.yml") as Record<
    string,
    { readonly script?: readonly string[]; readonly stage?: string; readonly rules?: unknown }
  >;
  const reserved = ["workflow", "stages", "default"];
  const jobs = Object.entries(file).filter(([name]) => !reserved.includes(name) && !name.startsWith("."));

  it("has a script and a declared stage in each job", () => {
    for (const [name, job] of jobs) {
      expect(job.script?.length, name).toBeGreaterThan(0);
      expect(file["stages"], name).toContain(job.stage);
    }
  });

  it("shows the token to one job only, which runs nothing of the merge request", () => {
    const named = jobs.filter(([, job]) => JSON.stringify(job).includes("COMMENT_TOKEN")).map(([name]) => name);
    expect(named).toEqual(["comment"]);
    expect(file["comment"]).toMatchObject({ variables: { GIT_STRATEGY: "none" } });
    expect(JSON.stringify(file["comment"])).not.toMatch(/npm |npx /);
  });

  it("names commands and options that there are", async () => {
    await exist(jobs.flatMap(([, job]) => (job.script ?? []).flatMap(commandsIn)));
  });

  test.each([
    [0, 0],
    [2, 0],
    [1, 1],
  ])("a plan that ends with %i ends the job with %i", (planned, ended) => {
    const script = file["plan"]?.script?.at(-1) ?? expect.unreachable();
    expect(runScript(script, planned, {})).toEqual({ code: ended, plan: "a plan\n" });
  });

  it("writes a comment by a script that Node takes", () => {
    const script = file["comment"]?.script?.[0] ?? expect.unreachable();
    const source = /<<'SCRIPT'\n([\s\S]*)\nSCRIPT/.exec(script)?.[1] ?? expect.unreachable();
    const folder = mkdtempSync(join(tmpdir(), "hookrail-ci-"));
    try {
      writeFileSync(join(folder, "comment.mjs"), source);
      execFileSync(process.execPath, ["--check", join(folder, "comment.mjs")]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The step as the runner's shell would run it, with a plan that ends as it is told. */
function runScript(script: string, planned: number, env: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "hookrail-ci-"));
  try {
    writeFileSync(join(folder, "npx"), `#!/bin/sh\necho "a plan"\nexit ${planned}\n`, { mode: 0o755 });
    const options = { cwd: folder, env: { PATH: `${folder}:${process.env["PATH"]}`, ...env }, stdio: "pipe" as const };
    let code = 0;
    try {
      execFileSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], options);
    } catch (error) {
      code = (error as { readonly status: number }).status;
    }
    return { code, plan: readFileSync(join(folder, "plan.md"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
