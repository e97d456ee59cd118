/** All that `hookrail test` runs: written tests, traces, generated tests; each as one result. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import { errorMessage, HookrailError } from "../core/errors.ts";
import type { SourcePosition } from "../core/types.ts";
import { type Coverage, coverageOf } from "../testing/coverage.ts";
import { type GeneratedResult, runGenerated } from "../testing/generated.ts";
import { runTest } from "../testing/runner.ts";
import type { TraceDeps } from "../testing/trace-events.ts";
import { describePair, proveTrace } from "../testing/traces.ts";

export interface CaseResult {
  readonly kind: "test" | "trace" | "generated" | "fixture";
  readonly pipeline: string;
  readonly name: string;
  readonly position: SourcePosition;
  readonly passed: boolean;
  /** Only what differs from what was expected. */
  readonly differences: readonly string[];
  /** How many orders of arrival were run. */
  readonly orders?: number;
  /** The order that failed: positions in `events:`, from 1. */
  readonly order?: readonly number[];
  /** Not all orders were run: the seed that chose. */
  readonly sampledBy?: number;
  readonly ms: number;
}

export interface TestRun {
  readonly cases: readonly CaseResult[];
  /** Rules that no sample and no test reaches, so that nothing could be generated for them. */
  readonly unreached: readonly string[];
  readonly coverage: Coverage;
}

export interface TestOptions {
  readonly pipelines: readonly PipelineModel[];
  readonly only: string;
  readonly generated: boolean;
  readonly seed: number;
  readonly deps: TraceDeps;
  /** Monotonic ms. */
  readonly monotonic: () => number;
  readonly onCase: (result: CaseResult) => void;
}

/** Worlds of a trace that are followed, and orders of it that go through the whole engine. */
const maxWorlds = 5_000;
const controls = 2;

export async function runAll(revision: Revision, options: TestOptions): Promise<TestRun> {
  const { deps, only } = options;
  const cases: CaseResult[] = [];
  const unreached: string[] = [];
  const add = (result: CaseResult): void => {
    cases.push(result);
    options.onCase(result);
  };
  for (const pipeline of options.pipelines) {
    for (const test of pipeline.tests.filter(({ name }) => name.includes(only))) {
      const about = { kind: "test", pipeline: pipeline.name, name: test.name, position: test.position } as const;
      add(
        await timed(about, options, async () => {
          const { passed, differences, runs, order } = await runTest(revision, pipeline, test, deps);
          return { passed, differences, orders: runs, ...(order === undefined ? {} : { order }) };
        }),
      );
    }
    for (const trace of pipeline.traces.filter(({ name }) => name.includes(only))) {
      const about = { kind: "trace", pipeline: pipeline.name, name: trace.name, position: trace.position } as const;
      add(
        await timed(about, options, async () => {
          const proved = await proveTrace(revision, pipeline, trace, {
            ...deps,
            maxWorlds,
            controls,
            seed: options.seed,
          });
          const untaken = proved.untaken.map(({ position, why }) =>
            errorMessage("HK8311", { event: position + 1, trace: trace.name, why }),
          );
          return {
            passed: proved.passed,
            differences: [...untaken, ...(proved.pair === undefined ? [] : describePair(proved.pair, trace))],
            orders: proved.orders,
            ...(proved.sampledBy === undefined ? {} : { sampledBy: proved.sampledBy }),
          };
        }),
      );
    }
    if (!options.generated) continue;
    const rest = await generate(revision, { pipeline, options, add });
    unreached.push(...rest);
  }
  const coverage = await coverageOf(revision, options.pipelines, deps);
  for (const { pipeline, event, paths } of coverage.misfits) {
    const name = `the fixture fits the contract`;
    const differences = paths.map((path) => `\`${path}\` does not fit`);
    add({ kind: "fixture", pipeline, name, position: event.position, passed: false, differences, ms: 0 });
  }
  return { cases, unreached, coverage };
}

/** Rules that nothing could be generated for. */
async function generate(
  revision: Revision,
  { pipeline, options, add }: { pipeline: PipelineModel; options: TestOptions; add: (result: CaseResult) => void },
): Promise<readonly string[]> {
  let before = options.monotonic();
  const onResult = (result: GeneratedResult): void => {
    const now = options.monotonic();
    add({ kind: "generated", ...result, ms: now - before });
    before = now;
  };
  try {
    const { unreached } = await runGenerated(revision, pipeline, { ...options.deps, only: options.only }, onResult);
    return unreached.map(({ rule }) => `${pipeline.name} / ${rule}`);
  } catch (error) {
    if (!(error instanceof HookrailError)) throw error;
    const differences = [`${error.code}: ${error.message}`];
    const { name, position } = pipeline;
    add({ kind: "generated", pipeline: name, name: "generated tests", position, passed: false, differences, ms: 0 });
    return [];
  }
}

type About = Pick<CaseResult, "kind" | "pipeline" | "name" | "position">;

/** What can not be run is a failure with its message, and the rest is run all the same. */
async function timed(
  about: About,
  { monotonic }: TestOptions,
  run: () => Promise<Omit<CaseResult, keyof About | "ms">>,
): Promise<CaseResult> {
  const started = monotonic();
  try {
    const result = await run();
    return { ...about, ...result, ms: monotonic() - started };
  } catch (error) {
    if (!(error instanceof HookrailError)) throw error;
    const differences = [`${error.code}: ${error.message}`];
    return { ...about, passed: false, differences, ms: monotonic() - started };
  }
}
