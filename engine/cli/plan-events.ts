/** Over which events `hookrail plan` goes: stored ones, a corpus, or samples and the events of tests. */
import { resolve } from "node:path";
import type { Revision } from "../config/revision.ts";
import { corpusScenario } from "../plan/corpus.ts";
import type { Scenario } from "../plan/plan.ts";
import type { PlanBasis } from "../plan/report.ts";
import { sampleScenarios } from "../plan/samples.ts";
import { storedScenario } from "../plan/stored.ts";
import type { PastStore, PastWindow } from "../store/read-past.ts";
import { readCorpus } from "../testing/corpus.ts";
import type { Cli } from "./context.ts";
import { parseSince } from "./events.ts";
import { sampleReader } from "./recorded.ts";
import type { Input } from "./verb.ts";

export interface PlanEvents {
  readonly kind: PlanBasis["kind"];
  readonly scenarios: readonly Scenario[];
  /** How many there are to look at; absent: nobody knows yet. */
  readonly count?: number;
  readonly more?: number;
  /** Asked after the plan. */
  readonly bodiesGone?: () => number;
}

interface Wanted {
  readonly before: Revision;
  readonly after: Revision;
  readonly store: PastStore | undefined;
  readonly configPath: string;
  readonly options: Input["options"];
}

export const DEFAULT_LAST = 1_000;

export function findEvents(cli: Cli, { before, after, store, configPath, options }: Wanted): PlanEvents {
  const { corpus: folder } = options;
  if (folder !== undefined) {
    const corpus = readCorpus(resolve(cli.cwd, String(folder)));
    if (corpus.manifest.entities === undefined)
      cli.err.write("the corpus does not say what was known before its first event: record it again\n");
    return { kind: "corpus", scenarios: [corpusScenario(corpus, { before, after })], count: corpus.events.length };
  }
  const samples = (): PlanEvents => ({
    kind: "samples",
    scenarios: sampleScenarios(after, sampleReader(configPath)),
  });
  if (options["samples"] === true) return samples();
  const stored = store === undefined ? undefined : storedScenario(store, windowOf(cli, options), cli.clock.now());
  if (stored !== undefined) return { kind: "stored", ...stored, scenarios: [stored.scenario] };
  cli.err.write("no stored events: planned over samples and the events of tests\n");
  return samples();
}

/** `--since`, `--until` and `--last`. */
export function windowOf(cli: Cli, options: Input["options"]): PastWindow {
  const instants = ["since", "until"].filter((name) => options[name] !== undefined);
  const span = Object.fromEntries(instants.map((name) => [name, instantOf(cli, name, String(options[name]))]));
  return { ...span, last: Number(options["last"] ?? DEFAULT_LAST) };
}

function instantOf(cli: Cli, name: string, text: string): number {
  const at = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? parseSince(cli, text, `--${name}`) : at;
}
