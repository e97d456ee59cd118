/**
 * Makes `test/provider/vectors/NAME.ndjson`: requests signed and judged by the providers' own SDKs.
 *
 *   npm ci --ignore-scripts --prefix test/sdk && node test/sdk/make.ts           writes them
 *   node test/sdk/make.ts --check    says which vector differs from the committed one, and exits 1
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vectorsOf } from "./cases.ts";
import type { Sdk } from "./sdk.ts";
import { sdks } from "./sdks/index.ts";

const folder = join(import.meta.dirname, "..", "provider", "vectors");
const check = process.argv.includes("--check");
const only = process.argv.slice(2).filter((word) => !word.startsWith("--"));
let differing = 0;

mkdirSync(folder, { recursive: true });
for (const [file, group] of byProvider(sdks)) {
  if (only.length > 0 && !only.includes(file)) continue;
  const lines: string[] = [];
  for (const sdk of group) lines.push(...(await vectorsOf(sdk)).map((vector) => JSON.stringify(vector)));
  const path = join(folder, `${file}.ndjson`);
  if (check) compare(file, readCommitted(path), lines);
  else writeFileSync(path, `${lines.join("\n")}\n`);
}
console.log(check ? `${sdks.length} SDKs, ${differing} vectors differ` : `vectors of ${sdks.length} SDKs are written`);
process.exitCode = differing === 0 ? 0 : 1;

function byProvider(all: readonly Sdk[]): ReadonlyMap<string, readonly Sdk[]> {
  return Map.groupBy(all, (sdk) => sdk.provider);
}

function readCommitted(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

function compare(name: string, committed: readonly string[], made: readonly string[]): void {
  for (let i = 0; i < Math.max(committed.length, made.length); i++) {
    if (committed[i] === made[i]) continue;
    differing++;
    console.error(
      `${name}, vector ${i + 1}:\n  committed ${committed[i] ?? "(none)"}\n  made      ${made[i] ?? "(none)"}`,
    );
  }
}
