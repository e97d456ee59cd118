import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { createTestContext, delivery, secret, type TestContext } from "../support/sink-context.ts";

const shipped = readPresetFiles(shippedPresetFiles());
const registry = createRegistry(shipped.found);

let test: TestContext;
let folder: string;
const opened: OpenSink[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hookrail-presets-"));
  test = createTestContext(folder);
});
afterEach(async () => {
  for (const sink of opened.splice(0)) await sink.close();
  await test.close();
  rmSync(folder, { recursive: true });
});

async function open(name: string, settings: Settings): Promise<OpenSink> {
  const sink = registry.get(name);
  if (sink === undefined) throw new Error(`no sink ${name}`);
  const made = await sink.open(settings, test.context);
  opened.push(made);
  return made;
}

describe("the encoder", () => {
  const json = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(""),
    fc.constant("undefined"),
  );
  const cases = [
    ["customerio", "identify", { site_id: secret("s"), api_key: secret("k") }],
    ["hubspot", "upsert", { token: secret("t") }],
    ["salesforce", "upsert", { client_id: secret("i"), client_secret: secret("s") }],
  ] as const;

  it.each(cases)(
    "%s never blanks or adds an attribute that the delivery does not clear or set",
    async (name, action, settings) => {
      const sink = await open(name, settings);
      const attributes = ["tier", "seats", "premium", "email", "mrr"];
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(fc.constantFrom(...attributes), json),
          fc.uniqueArray(fc.constantFrom(...attributes)),
          async (values, clearing) => {
            const set = Object.fromEntries(Object.entries(values).filter(([key]) => !clearing.includes(key)));
            let body: string;
            try {
              body = String((await sink.prepare(delivery({ action, set, clear: clearing }))).data["body"]);
            } catch (error) {
              // Refused: that is allowed for empty values and texts that look like accidents, and for nothing else.
              expect(error).toMatchObject({ code: "HK5001" });
              expect(
                Object.values(set).some((value) => value === null || ["", "undefined"].includes(String(value).trim())),
              ).toBe(true);
              return;
            }
            const parsed = JSON.parse(body);
            const place: Record<string, unknown> = name === "hubspot" ? parsed.inputs[0].properties : parsed;
            for (const key of attributes) {
              const blank = place[key] === null || place[key] === "";
              expect(key in place).toBe(key in set || clearing.includes(key));
              if (key in place) expect(blank).toBe(clearing.includes(key));
            }
          },
        ),
        { numRuns: 60 },
      );
    },
  );
});
