#!/usr/bin/env node
// The entry point: plain JavaScript that an old Node can parse too. Hookrail runs on the Node that is pinned as a
// dependency; started by an older one, this hands over to it, or says in one line how to run.
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import * as module from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const NEEDED_MAJOR = 26;
const major = Number(process.versions.node.split(".")[0]);

/** The pinned runtime of this checkout, unless it is what runs already. */
function pinnedNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  const path = fileURLToPath(new URL(`../node_modules/.bin/${name}`, import.meta.url));
  if (!existsSync(path)) return undefined;
  const real = realpathSync(path);
  return real === realpathSync(process.execPath) ? undefined : real;
}

function handOver(node) {
  // The channel tells the child when this process is gone, killed for instance: it then stops too.
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) process.on(signal, () => child.kill(signal));
  child.on("error", () => tooOld());
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 70);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function tooOld() {
  process.stderr.write(
    `hookrail needs Node ${NEEDED_MAJOR} or newer and this is ${process.versions.node}: run \`npm ci\`, then \`npm start\` or \`npx hookrail\`, which use the pinned one\n`,
  );
  process.exitCode = 64;
}

if (major >= NEEDED_MAJOR) {
  if (process.channel) {
    process.channel.unref();
    process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
  }
  module.enableCompileCache();
  // Worker threads find it by this name only; without it each would load Node's type stripper, 37 MB.
  const cache = module.getCompileCacheDir();
  if (cache !== undefined) process.env.NODE_COMPILE_CACHE ??= dirname(cache);
  const { main } = await import("./main.ts");
  await main();
} else {
  const node = pinnedNode();
  if (node === undefined) tooOld();
  else handOver(node);
}
