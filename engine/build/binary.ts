/** `npm run build`: one executable in `dist/` that needs no Node, no packages and no compiler where it runs. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ADDON_PART, type Assets, bundle, dataAssets, workerPart } from "./embed.ts";
import { PARTS_LIST } from "./parts.ts";

/** The binary is also the interpreter's process, when its parent says so: then it loads that part and nothing else. */
const ENTRY = `
  import { createRequire } from "node:module";
  import { fileURLToPath } from "node:url";
  import { CHILD_FLAG } from "./engine/mapping/protocol.ts";
  if (process.send !== undefined && process.argv[2] === CHILD_FLAG) {
    createRequire(process.execPath)(fileURLToPath(process.argv[3]));
  } else {
    const { main } = await import("./engine/main.ts");
    await main();
  }`;

/** Builds the executable for the platform this runs on, with the Node this runs on. */
export async function buildBinary(options: { readonly root: string; readonly output: string }): Promise<void> {
  const { root, output } = options;
  const work = mkdtempSync(join(tmpdir(), "hookrail-build-"));
  try {
    const main = join(work, "main.mjs");
    const workers = new Set<string>();
    await bundle({ root, outfile: main, workers, entry: ENTRY });
    const parts = { ...(await bundleWorkers(root, work, workers)), [ADDON_PART]: addonFile(root) };
    const list = join(work, PARTS_LIST);
    writeFileSync(list, JSON.stringify(describeParts(parts)));
    const assets = { ...dataAssets(root), ...parts, [PARTS_LIST]: list };
    const config = join(work, "sea.json");
    writeFileSync(
      config,
      JSON.stringify({ main, mainFormat: "module", output, disableExperimentalSEAWarning: true, assets }),
    );
    mkdirSync(dirname(output), { recursive: true });
    rmSync(output, { force: true });
    execFileSync(process.execPath, ["--build-sea", config], { stdio: ["ignore", "ignore", "inherit"] });
    // macOS kills a changed executable whose signature no longer fits.
    if (process.platform === "darwin") execFileSync("codesign", ["--sign", "-", "--force", output]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Workers may start workers: the set grows while it is walked. */
async function bundleWorkers(root: string, work: string, workers: Set<string>): Promise<Assets> {
  const parts: Record<string, string> = {};
  for (const entry of workers) {
    const name = workerPart(root, entry);
    const outfile = join(work, name);
    await bundle({ root, outfile, workers, entry: `import ${JSON.stringify(entry)};` });
    parts[name] = outfile;
  }
  return parts;
}

/** better-sqlite3 ships its addon for each platform; a musl system needs another one than glibc. */
function addonFile(root: string): string {
  const report = process.report.getReport();
  const glibc = typeof report === "object" && "header" in report && "glibcVersionRuntime" in Object(report.header);
  const system = process.platform === "linux" && !glibc ? "linuxmusl" : process.platform;
  return join(root, "node_modules/better-sqlite3/prebuilds", `${system}-${process.arch}.node`);
}

function describeParts(parts: Assets) {
  const hash = createHash("sha256");
  const sizes: Record<string, number> = {};
  for (const [name, file] of Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name).update(readFileSync(file));
    sizes[name] = statSync(file).size;
  }
  return { hash: hash.digest("hex"), parts: sizes };
}
