/** What the proofs found, as numbers: each proof tells them here, and the end of the run prints them in one block. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Folder of this run's reports, set by report-setup.ts for all test processes. */
export const REPORTS = "HOOKRAIL_FAULT_REPORTS";

/**
 * Numbers of one proof, by what was counted. `kills`, `states`, `requests`, `reloads`, `drains`, `failed calls`,
 * `schedules`, `defects caught` and `unknown outcomes` are also summed over all proofs.
 */
export type Counts = Readonly<Record<string, number | string>>;

export interface Report {
  readonly name: string;
  readonly counts: Counts;
}

let told = 0;

/** Adds a line to the report that the run ends with. Say it last, when all has held: a proof that failed has no line. */
export function report(name: string, counts: Counts): void {
  const folder = process.env[REPORTS];
  if (folder === undefined) return;
  const entry: Report = { name, counts };
  // One file for each: proofs run in several processes.
  writeFileSync(join(folder, `${process.pid}-${told++}.json`), JSON.stringify(entry));
}
