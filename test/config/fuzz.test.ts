import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { renderDiagnostics } from "../../engine/config/render.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { type Check, createCheck } from "./support.ts";

const folder = join(packageRoot, "test/fixtures/language");
const files: Readonly<Record<string, string>> = Object.fromEntries(
  ["config.yaml", ...readdirSync(join(folder, "pipelines")).map((name) => `pipelines/${name}`)].map((name) => [
    name,
    readFileSync(join(folder, name), "utf8"),
  ]),
);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 25);

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

/** What a hand may do to a file by mistake. */
const slip = fc.record({
  at: fc.nat({ max: 1_000_000 }),
  length: fc.integer({ min: 0, max: 12 }),
  text: fc.oneof(
    fc.constantFrom(
      "",
      " ",
      "  ",
      "\n",
      "\n  ",
      ":",
      ": ",
      "{",
      "}",
      "[",
      "]",
      "#",
      "!",
      "&",
      "*",
      "- ",
      "'",
      '"',
      "%",
      "null",
      "5",
      "${",
      "true",
      "<<: {}",
    ),
    fc.string({ maxLength: 3 }),
  ),
});

const apply = (text: string, { at, length, text: put }: { at: number; length: number; text: string }) => {
  const start = at % (text.length + 1);
  return text.slice(0, start) + put + text.slice(start + length);
};

describe("a config with slips of the hand", () => {
  it("is always answered with diagnostics that lie in its files, or with a revision", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(files)),
        fc.array(slip, { minLength: 1, maxLength: 3 }),
        (name, slips) => {
          const broken = { ...files, [name]: slips.reduce(apply, files[name] ?? "") };
          const loaded = check(broken);
          const errors = loaded.diagnostics.filter((diagnostic) => diagnostic.severity === "error");
          expect(loaded.revision === undefined).toBe(errors.length > 0);
          for (const { span } of loaded.diagnostics) {
            const line = (loaded.files[span.file] ?? "").split("\n")[span.line - 1];
            expect(line, JSON.stringify(span)).toBeDefined();
            expect(span.column).toBeLessThanOrEqual((line ?? "").length + 2);
          }
          expect(renderDiagnostics(loaded.diagnostics, { files: loaded.files })).not.toContain("undefined");
        },
      ),
      { numRuns: RUNS },
    );
  });
});
