/**
 * The proofs, proved: defects are planted in the engine as its modules are loaded, each in a process of its own, and
 * each has to be found. Short form: a few of them; HOOKRAIL_FAULT_FACTOR above 1 plants all.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { type Defect, defects } from "../simulation/defects.ts";
import { planted } from "../simulation/planted.ts";
import { report } from "../support/report.ts";
import { faultFactor } from "../support/seeded.ts";
import { straceHere } from "../support/strace.ts";

const run = promisify(execFile);
/** Seeds until a defect has to be found; the sound engine runs as many without an alarm. */
const patience = 150;
/** One process: a defect may hang what it is planted in. */
const longestMs = 600_000;
const few = ["answers before the commit", "knows no order of events", "sends before the attempt is marked"];
const chosen = defects.filter(
  ({ name, proof }) => (faultFactor() > 1 || few.includes(name)) && (proof === undefined || straceHere()),
);

interface Answer {
  readonly code: number;
  readonly lines: readonly { readonly problems?: readonly string[]; readonly seeds?: number; readonly bad?: number }[];
}

/** A process of the simulation; with a defect, or sound. */
async function simulate(defect: Defect | undefined, count: number): Promise<Answer> {
  const plant = defect === undefined ? [] : ["--import", join(packageRoot, "test/simulation/plant.ts")];
  const args = [...plant, join(packageRoot, "test/simulation/main.ts"), "--count", String(count), "--until-bad"];
  const env = { ...process.env, ...(defect === undefined ? {} : { HOOKRAIL_DEFECT: defect.name }) };
  const ended = await run(process.execPath, args, { env, maxBuffer: 2 ** 26, timeout: longestMs }).catch(
    (error: { code?: number; stdout?: string; stderr?: string }) => {
      // 1: the simulation found something; anything else is a harness that did not run.
      if (error.code !== 1 || error.stdout?.endsWith("}\n") !== true) throw new Error(error.stderr ?? String(error));
      return { stdout: error.stdout, code: 1 };
    },
  );
  const lines = ended.stdout.trim().split("\n");
  return {
    code: "code" in ended ? ended.code : 0,
    lines: lines.map((line) => JSON.parse(line) as Answer["lines"][number]),
  };
}

describe("defects", () => {
  it("stand where the engine has the text they change", () => {
    expect(new Set(defects.map(({ name }) => name)).size).toBe(defects.length);
    for (const one of defects) expect(planted(one, readFileSync(join(packageRoot, one.file), "utf8"))).not.toBe("");
  });

  it(
    "are found, each of them, and nothing is found in the sound engine",
    async () => {
      // In the short form simulation.test.ts has just run the sound engine.
      const sound = faultFactor() > 1 ? (await simulate(undefined, patience)).lines : [];
      expect(sound.flatMap((line) => line.problems ?? [])).toEqual([]);
      if (chosen.some(({ proof }) => proof === "durability")) expect(await syncsEachAnswer(undefined)).toBe(true);
      const missed: string[] = [];
      for (const defect of chosen) if (!(await isFound(defect))) missed.push(defect.name);
      expect(missed).toEqual([]);
      report("seeded defects", { "defects caught": chosen.length, planted: chosen.length, "false alarms": 0 });
    },
    60_000 + 60_000 * chosen.length,
  );
});

async function isFound(defect: Defect): Promise<boolean> {
  if (defect.proof === "durability") return !(await syncsEachAnswer(defect));
  return (await simulate(defect, patience)).code === 1;
}

/** The store, opened for real: each of its answers has to stand behind a sync of the file. */
async function syncsEachAnswer(defect: Defect | undefined): Promise<boolean> {
  const plant = defect === undefined ? [] : ["--import", join(packageRoot, "test/simulation/plant.ts")];
  const env = { ...process.env, ...(defect === undefined ? {} : { HOOKRAIL_DEFECT: defect.name }) };
  const traced = ["-f", "-e", "trace=fsync,fdatasync,write", "-e", "write=none", "-s", "32"];
  const args = [...traced, process.execPath, ...plant, join(packageRoot, "test/simulation/durable.ts")];
  const { stderr } = await run("strace", args, { env, maxBuffer: 2 ** 26 });
  let synced = false;
  let answers = 0;
  let bare = 0;
  for (const line of stderr.split("\n")) {
    if (/f(data)?sync\(/.test(line)) synced = true;
    if (!line.includes('"answered ')) continue;
    answers++;
    if (!synced) bare++;
    synced = false;
  }
  expect(answers).toBe(10);
  return bare === 0;
}
