/** Around a whole run of the tests: one seed for all proofs, and at the end the block that says what they counted, and on what. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { arch, cpus, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../../engine/core/paths.ts";
import { REPORTS, type Report } from "./report.ts";
import { faultFactor, SEED } from "./seeded.ts";

/** Counts that mean the same in every proof. */
const SUMMED = [
  "states",
  "kills",
  "failed calls",
  "requests",
  "reloads",
  "drains",
  "schedules",
  "defects caught",
  "unknown outcomes",
];

/** Folder of the reports that are kept, in no commit. */
const KEPT = join(packageRoot, "dist/proofs");

export default function setup(): () => void {
  process.env[SEED] ??= String(Math.floor(Math.random() * 2 ** 32));
  const folder = mkdtempSync(join(tmpdir(), "hookrail-reports-"));
  process.env[REPORTS] = folder;
  const began = new Date();
  return () => {
    const proofs = readdirSync(folder)
      .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Report)
      .sort((a, b) => a.name.localeCompare(b.name));
    rmSync(folder, { recursive: true, force: true });
    if (proofs.length > 0) publish({ ...surroundings(began), proofs, totals: totalsOf(proofs) });
  };
}

function surroundings(began: Date) {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: packageRoot, encoding: "utf8" }).stdout.trim();
  const changed = git("status", "--porcelain", "--untracked-files=no") !== "";
  const processors = cpus();
  return {
    seed: process.env[SEED] ?? "",
    factor: faultFactor(),
    revision: `${git("rev-parse", "--short=12", "HEAD")}${changed ? " with changes" : ""}`,
    machine: `${processors.length} x ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()} ${arch()}, Node ${process.versions.node}`,
    began: began.toISOString(),
    seconds: Math.round((Date.now() - began.getTime()) / 1000),
  };
}

function totalsOf(proofs: readonly Report[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const { counts } of proofs)
    for (const name of SUMMED) if (typeof counts[name] === "number") totals[name] = (totals[name] ?? 0) + counts[name];
  return totals;
}

interface WholeReport extends ReturnType<typeof surroundings> {
  readonly proofs: readonly Report[];
  readonly totals: Readonly<Record<string, number>>;
}

function publish(whole: WholeReport): void {
  mkdirSync(KEPT, { recursive: true });
  const file = join(KEPT, `${whole.began.replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify(whole, null, 2)}\n`);
  process.stdout.write(`${textOf(whole, file)}\n`);
}

function textOf({ proofs, totals, ...around }: WholeReport, file: string): string {
  const list = (counts: Report["counts"]) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  const width = Math.max(...proofs.map(({ name }) => name.length));
  return [
    "",
    "Proofs",
    `  seed      ${around.seed} (HOOKRAIL_FAULT_SEED repeats it), factor ${around.factor}`,
    `  revision  ${around.revision}`,
    `  machine   ${around.machine}`,
    `  time      ${around.began}, ${around.seconds} s`,
    ...proofs.map(({ name, counts }) => `  ${name.padEnd(width)}  ${list(counts)}`),
    `  in all    ${list(totals)}`,
    `  kept in   ${file}`,
    "",
  ].join("\n");
}
