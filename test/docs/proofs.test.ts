/** The table of faults in docs/proofs.md: each row names tests that are there and are run, or says plainly that none is. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";

const page = readFileSync(join(packageRoot, "docs/proofs.md"), "utf8");
const rows = [...page.matchAll(/^\| ([A-Z]\d+)[^|]*\|([^|]+)\|([^|]+)\|$/gm)].map(
  ([, id = "", happens = "", proof = ""]) => ({
    id,
    happens: happens.trim(),
    files: [...proof.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => `test/${file}`),
    proof: proof.trim(),
  }),
);

/** Why a file proves nothing; undefined when it is run. */
function faultOf(file: string): string | undefined {
  const path = join(packageRoot, file);
  if (!existsSync(path)) return "is not there";
  if (!/\b(it|test)(\.\w+)*\(/.test(readFileSync(path, "utf8"))) return "has no tests";
  // A contract is run by the test file of each store.
  return /\.test\.ts$/.test(file) || file.startsWith("test/contract/") ? undefined : "is not run";
}

it("names every fault once", () => {
  expect(rows.length).toBeGreaterThan(90);
  expect(rows.map(({ id }) => id)).toEqual([...new Set(rows.map(({ id }) => id))]);
  expect(rows.length).toBe(page.match(/^\| [A-Z]\d+ /gm)?.length);
});

it("names tests that are there and are run, or says that there is none", () => {
  const faults = rows.flatMap(({ id, files, proof }) => [
    ...(files.length > 0 || proof.startsWith("no test")
      ? []
      : [`${id}: neither a test nor the word that there is none`]),
    ...files.flatMap((file) => {
      const fault = faultOf(file);
      return fault === undefined ? [] : [`${id}: ${file} ${fault}`];
    }),
  ]);
  expect(faults).toEqual([]);
});
