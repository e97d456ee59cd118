/** The interleaved part: in each round every server takes its turn, in an order that rotates from round to round. */
import { join } from "node:path";
import type { Children, ServerChild } from "./children.ts";
import { PATHS } from "./installation.ts";
import type { BenchOptions } from "./options.ts";
import { type DeliverySample, httpArrivals, loadAndDeliver, loadServer, type Sample, sqlArrivals } from "./stages.ts";

/** An engine, and where its deliveries arrive. */
export interface EngineUnderTest {
  readonly name: string;
  readonly server: ServerChild;
  readonly sink: ServerChild;
  readonly root: string;
}

/** Samples by name of the stage, one for each round. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

interface Stage {
  readonly name: string;
  readonly run: () => Promise<Sample | DeliverySample>;
}

export interface RoundsInput {
  readonly children: Children;
  readonly options: BenchOptions;
  readonly floor: ServerChild;
  readonly koa: ServerChild;
  readonly engines: readonly EngineUnderTest[];
  readonly onStage: (round: number, name: string) => void;
}

/** Runs the rounds; the first turn of each stage only warms up. */
export async function runRounds(input: RoundsInput): Promise<Samples> {
  const stages = stagesOf(input);
  const samples = new Map<string, Sample[]>(stages.map(({ name }) => [name, []]));
  for (let round = 0; round <= input.options.rounds; round++) {
    const turn = round % Math.max(1, stages.length);
    for (const stage of [...stages.slice(turn), ...stages.slice(0, turn)]) {
      input.onStage(round, stage.name);
      const sample = await stage.run();
      if (round > 0) samples.get(stage.name)?.push(sample);
    }
  }
  return samples;
}

function stagesOf(input: RoundsInput): Stage[] {
  const { options, floor, koa, engines } = input;
  const floors: Stage[] = [
    { name: "floor", run: () => loadServer(input, floor) },
    { name: "koa", run: () => loadServer(input, koa) },
  ];
  return [...(options.questions.has("ack") ? floors : []), ...engines.flatMap((engine) => engineStages(input, engine))];
}

function engineStages(input: RoundsInput, { name, server, sink, root }: EngineUnderTest): Stage[] {
  const ack: Stage = { name: `${name} ack`, run: () => loadServer(input, server) };
  if (!input.options.questions.has("delivery")) return [ack];
  const [http, sql] = [httpArrivals(sink), sqlArrivals(join(root, "data/crm.db"), "account")];
  return [
    ack,
    { name: `${name} http`, run: () => loadAndDeliver(input, server, { path: PATHS.http, arrivals: http }) },
    { name: `${name} sql`, run: () => loadAndDeliver(input, server, { path: PATHS.sql, arrivals: sql }) },
  ];
}
