/** `hookrail check --fix`: what is surely meant is written into the files, and shown as a patch. */
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyFixes, harmless, patchText, type Texts } from "../config/fixes.ts";
import type { Loaded } from "../config/options.ts";
import { loadInstallation } from "./config.ts";
import type { Cli } from "./context.ts";

/** A fix can uncover the next fault: a file that did not parse shows what else is in it. */
const MAX_ROUNDS = 5;

export interface Fixed {
  readonly texts: Texts;
  readonly patch: string;
}

/** Works the fixes out; nothing is written. */
export async function findFixes(cli: Cli, configPath: string, given: Loaded): Promise<Fixed> {
  const root = dirname(configPath);
  const original = ownFiles(root, given.files);
  const texts = new Map<string, string>();
  let loaded = given;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const own = Object.fromEntries(Object.entries(loaded.files).filter(([file]) => original[file] !== undefined));
    const fixed = applyFixes(loaded.diagnostics, own);
    if (fixed.size === 0) break;
    const tried = await loadInstallation(cli, configPath, undefined, new Map([...texts, ...fixed]));
    const kept = harmless(fixed, loaded.diagnostics, tried.diagnostics);
    if (kept.size === 0) break;
    for (const [file, text] of kept) texts.set(file, text);
    loaded = kept.size === fixed.size ? tried : await loadInstallation(cli, configPath, undefined, texts);
  }
  return { texts, patch: patchText(original, texts) };
}

/** Files of the installation as they are on disk: what ships is not the author's to change. */
function ownFiles(root: string, files: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(files).filter(([file, text]) => {
      const path = join(root, file);
      return existsSync(path) && readFileSync(path, "utf8") === text;
    }),
  );
}

/** Each file whole or not at all. */
export function writeFixes(configPath: string, texts: Texts, suffix: string): void {
  for (const [file, text] of texts) {
    const path = join(dirname(configPath), file);
    const beside = `${path}.${suffix}`;
    writeFileSync(beside, text, { mode: statSync(path).mode, flag: "wx" });
    renameSync(beside, path);
  }
}
