import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { HookrailError } from "../../engine/core/errors.ts";
import type { Json } from "../../engine/core/types.ts";
import { valuesAt } from "../../engine/delivery/positions.ts";
import { shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { FrozenRequest, Settings } from "../../engine/plugin/index.ts";
import type { PresetAction } from "../../engine/plugin/preset.schema.ts";
import {
  bodiesOf,
  type Carried,
  carried,
  lost,
  openSubject,
  readBody,
  type Subject,
  violations,
} from "../support/preset-conformance.ts";
import { createTestContext, sending } from "../support/sink-context.ts";

const folder = mkdtempSync(join(tmpdir(), "hookrail-presets-"));
const test = createTestContext(folder);
afterAll(async () => {
  await test.close();
  rmSync(folder, { recursive: true });
});

/** Settings without which an action has nothing to say. */
const SETTINGS: Readonly<Record<string, Settings>> = {
  klaviyo: { identity: "email" },
  pipedrive: { key_field: { customer: "a1b2c3" }, record_id: "id" },
};

/** What a vendor asks for by the letter: Mixpanel's `$delete` takes a value that it does not look at. */
const ASKED = new Set(['mixpanel .0.$delete: "null"']);

/** What is sent names no attribute: a LaunchDarkly context is in a segment or not. */
const UNNAMED = new Set(["launchdarkly"]);

const RUNS = 25 * Number(process.env["HOOKRAIL_FAULT_FACTOR"] ?? 1);

interface Verdict {
  readonly wrong: readonly string[];
  /** Requests that were made; the others were refused before they were sent. */
  readonly made: number;
  readonly runs: number;
  /** Why the last one was refused. */
  readonly refusal: string;
}

/** Random deliveries through one action; what is wrong with the requests it makes. */
async function judge(subject: Subject, name: string, action: PresetAction): Promise<Verdict> {
  const kind = action.kind ?? "effect";
  let [made, runs, refusal] = [0, 0, ""];
  const wrong: string[] = [];
  const sample = fc.sample(carried(subject.preset, kind), { numRuns: RUNS, seed: 7 });
  for (const what of sample) {
    runs++;
    const frozen = await prepared(subject, name, what);
    if (typeof frozen === "string") {
      refusal = frozen;
      continue;
    }
    made++;
    for (const body of bodiesOf(frozen, action)) {
      wrong.push(...violations(body, what, subject));
      if (kind === "upsert" && writesFields(action) && !UNNAMED.has(subject.preset.sink))
        wrong.push(...lost(body, what, subject).map((one) => `${one} is lost`));
    }
  }
  return { wrong: [...new Set(wrong)], made, runs, refusal };
}

/** The request, or why it was refused: nothing would be sent. */
async function prepared(subject: Subject, name: string, what: Carried): Promise<FrozenRequest | string> {
  try {
    return await subject.prepare(name, what);
  } catch (error) {
    if (error instanceof HookrailError && /^HK5(001|002|332|334)$/.test(error.code)) return error.message;
    throw error;
  }
}

const writesFields = (action: PresetAction) => JSON.stringify([action.body, action.steps]).includes("fields");

/** The items of a body at a batch's path. */
function itemsAt(body: Json, path: string): readonly Json[] {
  const list = valuesAt(body, path)[0];
  return Array.isArray(list) ? list : [];
}

describe.each(shippedPresetFiles().map(({ path, text }) => [path.replace(/^.*\/|\.yaml$/g, ""), text]))(
  "%s",
  (preset, text) => {
    it("emits no key that a delivery does not carry, none blank, and loses none", async () => {
      const subject = await openSubject(text, test.context, SETTINGS[preset]);
      for (const [name, action] of Object.entries(subject.preset.actions)) {
        const { wrong, made, runs, refusal } = await judge(subject, name, action);
        expect(
          wrong.filter((one) => !ASKED.has(`${preset} ${one}`)),
          name,
        ).toEqual([]);
        // A preset that refuses everything would prove nothing.
        expect(made, `${name}: requests made of ${runs} deliveries, refused: ${refusal}`).toBeGreaterThan(runs / 10);
      }
    });

    it("joins deliveries item by item: each item is what it would be alone", async () => {
      const subject = await openSubject(text, test.context, SETTINGS[preset]);
      for (const [name, action] of Object.entries(subject.preset.actions)) {
        const { batch, kind = "effect" } = action;
        const { batches } = subject.sink;
        if (batch === undefined || batches === undefined) continue;
        let joined = 0;
        for (const group of fc.sample(fc.array(carried(subject.preset, kind), { minLength: 2, maxLength: 6 }), {
          numRuns: 10,
          seed: 3,
        })) {
          const keyed = group.map((what, index) => ({ ...what, key: `${what.key}${index}` }));
          const all = await Promise.all(keyed.map((what) => prepared(subject, name, what)));
          const frozen = all.filter((one) => typeof one !== "string");
          const chosen = batches.choose(frozen).flatMap((index) => frozen[index] ?? []);
          if (chosen.length < 2) continue;
          joined++;
          subject.sent.length = 0;
          await batches.send(
            chosen,
            chosen.map((_, index) => sending({ idempotencyKey: `k${index}` })),
          );
          const items = itemsAt(readBody(subject.sent.at(-1) ?? "", action.body_format), batch.path);
          const alone = chosen.flatMap((one) => bodiesOf(one, action).flatMap((body) => itemsAt(body, batch.path)));
          expect(items, name).toEqual(alone);
          expect(items).toHaveLength(chosen.length);
        }
        expect(joined, `${name}: batches`).toBeGreaterThan(0);
      }
    });
  },
);

describe("the judge", () => {
  const wrongPreset = (body: string, more = "") => `
sink: wrong
summary: Wrong on purpose.
host: https://wrong.example.com
${more}
default_action: upsert
actions:
  upsert:
    kind: upsert
    path: /x/{entity.key}
    body: ${body}
`;
  const verdict = async (text: string) => {
    const subject = await openSubject(text, test.context);
    return judge(subject, "upsert", subject.preset.actions["upsert"] ?? {});
  };

  it("passes a plain preset", async () => {
    const { wrong, made, runs } = await verdict(wrongPreset("{ props: fields }"));
    expect(wrong).toEqual([]);
    expect(made).toBe(runs);
  });

  it.each([
    // A leaf that reads an absent attribute by its path is left out; these read it in ways that nobody sees through.
    ["a flag that absence lowers", "{ hkflag: '$lookup($$.fields, \"hkflag\") = true', '...': fields }", "not carry"],
    ["a number made of nothing", "{ hkcount: '$count($$.*.hkcount)', '...': fields }", "not carry"],
    ["nothing turned into a null", "{ plan: '[$$.*.hktext, null][0]', '...': fields }", "null"],
    ["nothing turned into a text", "{ plan: 'entity.plan & \"undefined\"', '...': fields }", "undefined"],
    ["nothing turned into an empty text", "{ plan: 'entity.plan & \"\"', '...': fields }", '""'],
    ["a value that is not the one set", "{ hktext: '$exists(fields.hktext) ? \"other\"' }", "not what was set"],
    [
      "an attribute that is lost",
      "{ props: '$sift(fields, function($v, $k) { $k != \"hkflag\" })' }",
      "hkflag is lost",
    ],
    ["a clear of what is kept", "{ unset: '[\"hktext\"]', props: fields }", "clears hktext"],
  ])("fails a preset with %s", async (_what, body, found) => {
    const { wrong, made, runs } = await verdict(wrongPreset(body));
    // Some are refused by the last look before anything is sent; then too little is left to pass.
    expect([...wrong, made <= runs / 2 ? "refused" : ""].join("\n")).toMatch(new RegExp(`${found}|^refused`));
  });

  it("fails a preset that spells a clear its own way", async () => {
    const { wrong } = await verdict(wrongPreset('{ props: \'$merge([fields, {"hktext": "-"}])\' }'));
    expect(wrong.join("\n")).toMatch(/not what was set|not carry|spelling/);
  });
});
