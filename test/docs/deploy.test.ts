/** The files to be copied from docs/deploy: whole, and in step with the program they start. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseDuration } from "../../engine/core/duration.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { createInstallation } from "../support/engine-process.ts";

const read = (name: string) => readFileSync(join(packageRoot, "docs/deploy", name), "utf8");
const unit = read("hookrail.service");
/** `limits.drain` when nothing is said, seconds. */
const DRAIN_S = 20;
const seconds = (text: string): number => {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value / 1_000 : Number.NaN;
};
const settings = (name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value ?? "");

describe("the systemd unit", () => {
  test.skipIf(!existsSync("/usr/bin/systemd-analyze"))("is one by systemd's own judgement", () => {
    const folder = mkdtempSync(join(tmpdir(), "hookrail-unit-"));
    try {
      // The program need not be installed here.
      const path = join(folder, "hookrail.service");
      writeFileSync(path, unit.replaceAll("/usr/local/bin/hookrail", "/bin/true"));
      const told = execFileSync("/usr/bin/systemd-analyze", ["verify", "--man=no", path], {
        encoding: "utf8",
        stdio: "pipe",
      });
      expect(told).toBe("");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("stops later than the engine does, reloads by signal, and gives up what is not needed", () => {
    expect(seconds(settings("TimeoutStopSec")[0] ?? "")).toBeGreaterThan(DRAIN_S);
    expect(settings("ExecReload")[0]).toContain("-HUP");
    expect(settings("RestartPreventExitStatus")).toEqual(["78"]);
    expect(Number(settings("LimitNOFILE")[0])).toBeGreaterThan(4_096);
    // V8 writes code while it runs.
    expect(settings("MemoryDenyWriteExecute")).toEqual([]);
  });
});

describe("the container files", () => {
  test("parse, run as nobody in particular, and stop later than the engine does", () => {
    const documents = ["compose.yaml", "kubernetes.yaml"].flatMap((name) => parseAllDocuments(read(name)));
    for (const one of documents) expect(one.errors).toEqual([]);
    const [compose, set] = documents.map((one) => one.toJS());
    const { hookrail } = compose.services;
    expect(seconds(hookrail.stop_grace_period)).toBeGreaterThan(DRAIN_S);
    const { spec } = set.spec.template;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(DRAIN_S + 5);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 10001 });
    expect(read("Containerfile")).toMatch(/^USER 10001:10001$/m);
    expect(hookrail.tmpfs[0]).toContain("exec");
  });

  test("ask with commands that the program knows", async () => {
    const [, set] = ["compose.yaml", "kubernetes.yaml"].map((name) => parseAllDocuments(read(name))[0]?.toJS());
    const [container] = set.spec.template.spec.containers;
    const probes = ["startupProbe", "livenessProbe", "readinessProbe"].map((name) => container[name].exec.command);
    const [, health = "[]"] = /HEALTHCHECK .* CMD (\[.*\])/.exec(read("Containerfile")) ?? [];
    const [, entry = "[]"] = /ENTRYPOINT (\[.*\])\nCMD (\[.*\])/.exec(read("Containerfile")) ?? [];
    const [, , run = "[]"] = /ENTRYPOINT (\[.*\])\nCMD (\[.*\])/.exec(read("Containerfile")) ?? [];
    const commands = [...probes, JSON.parse(health), [...JSON.parse(entry), ...JSON.parse(run)]] as string[][];
    const started = settings("ExecStart").map((text) => text.split(" "));
    const installation = createInstallation();
    try {
      for (const [program = "", ...args] of [...commands, ...started]) {
        expect(program).toMatch(/(^|\/)hookrail$/);
        // No such folder here: a command or option that is unknown would be told first, with another code.
        const { code, stderr } = await installation.hookrail(
          ...args.map((one) => one.replace("/etc/hookrail", "./none")),
        );
        expect([code, stderr]).toEqual([78, expect.stringContaining("HK8001")]);
      }
    } finally {
      installation.remove();
    }
  });
});
