import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packageRoot } from "../engine/core/paths.ts";

const launcher = join(packageRoot, "engine/hookrail.js");

/** Runs the launcher as a Node of another version would, without needing one: its version is what it is told. */
const asOldNode = (...argv: readonly string[]) => [
  "--import",
  `data:text/javascript,Object.defineProperty(process.versions,"node",{value:process.env.PRETEND??"20.20.2"})`,
  ...argv,
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-launcher-"));
  mkdirSync(join(folder, "engine"));
  copyFileSync(launcher, join(folder, "engine/hookrail.js"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("hookrail.js", () => {
  test("is plain JavaScript that Node 18 can parse", () => {
    const source = readFileSync(launcher, "utf8");
    // esbuild leaves the text as it is when nothing in it is newer than the target.
    const same = (target: string) => transformSync(source, { target, format: "esm" }).code;
    expect(same("node18")).toBe(same("esnext"));
  });

  test("says in one line what is wrong and how to run it, when the Node is too old and no other is there", () => {
    const run = spawnSync(process.execPath, asOldNode("engine/hookrail.js", "run"), { cwd: folder, encoding: "utf8" });
    expect([run.status, run.stdout]).toEqual([64, ""]);
    expect(run.stderr).toMatch(
      /^hookrail needs Node 26 or newer and this is 20\.20\.2: .*npm start.*npx hookrail.*\n$/,
    );
  });

  test("hands over to the pinned Node, with arguments, output and exit code", () => {
    pinNode();
    writeFileSync(
      join(folder, "engine/main.ts"),
      "export const main = async () => { console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7; };",
    );
    const run = spawnSync(process.execPath, asOldNode("engine/hookrail.js", "send", "a b"), {
      cwd: folder,
      encoding: "utf8",
    });
    expect([run.status, run.stdout, run.stderr]).toEqual([7, '["send","a b"]\n', ""]);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("stops what it has handed over to when it gets %s", async (signal) => {
    pinNode();
    writeFileSync(
      join(folder, "engine/main.ts"),
      `export const main = async () => {
         const timer = setInterval(() => {}, 1000);
         process.on("SIGTERM", () => { clearInterval(timer); console.log("stopped"); });
         console.log("started");
       };`,
    );
    const child = spawn(process.execPath, asOldNode("engine/hookrail.js"), {
      cwd: folder,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    const ended = new Promise<void>((resolve) => child.stdout.on("close", () => resolve()));
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text === "started\n") child.kill(signal);
    });
    // The pipe closes when the last process that holds it has ended.
    await ended;
    expect(text).toBe("started\nstopped\n");
  });

  test("the checkout's own bin runs on the pinned Node, whatever Node npm runs on", () => {
    const node = execFileSync("npm", ["exec", "--offline", "-c", "node --version"], {
      cwd: packageRoot,
      encoding: "utf8",
    });
    expect(Number(node.trim().slice(1).split(".")[0])).toBeGreaterThanOrEqual(26);
  });

  /** The real one, under a path of its own: the launcher only tells files apart. */
  function pinNode(): void {
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    const copy = join(folder, "node_modules/pinned-node");
    copyFileSync(process.execPath, copy);
    symlinkSync(copy, join(folder, "node_modules/.bin/node"));
  }
});
