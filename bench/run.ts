/**
 * `npm run bench`: the engine beside a bare `node:http` floor, Koa without a store, and optionally an older revision of
 * itself, all in one run on one machine; ratios count, absolute figures are of this machine and this hour.
 *
 *   npm run bench -- [--quick] [--rounds N] [--only ack,delivery,idle,growth,mapping] [--against REV] [--save]
 */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unpackRevision } from "./against.ts";
import { type Children, createChildren, type ServerChild } from "./children.ts";
import { BENCH_SECRET } from "./events.ts";
import { measureIdle } from "./idle.ts";
import { writeInstallation } from "./installation.ts";
import { describeRun } from "./machine.ts";
import { type BenchOptions, readOptions } from "./options.ts";
import { type Finding, findingTable, roundFindings, serverTable } from "./report.ts";
import { type EngineUnderTest, runRounds, type Samples } from "./rounds.ts";

interface Bench {
  readonly options: BenchOptions;
  readonly children: Children;
  /** Temporary; removed at the end. */
  readonly folder: string;
}

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const say = (text: string) => process.stderr.write(`${text}\n`);

async function runBench(bench: Bench): Promise<string> {
  const { questions } = bench.options;
  const rounds = questions.has("ack") || questions.has("delivery") ? await measureRounds(bench) : undefined;
  const findings = [
    ...(rounds?.findings ?? []),
    ...(questions.has("idle") ? await idleFindings(bench) : []),
    ...(questions.has("growth") ? await growthFindings(bench) : []),
    ...(questions.has("mapping") ? await mappingFindings(bench) : []),
  ];
  const servers = rounds === undefined ? [] : [serverTable(rounds.samples)];
  return [describeRun(process.argv.slice(2), CHECKOUT), findingTable(findings), ...servers].join("\n\n");
}

async function measureRounds(bench: Bench): Promise<{ samples: Samples; findings: Finding[] }> {
  const { children, options, folder } = bench;
  const floor = await children.start({
    name: "floor",
    args: [script("servers/floor.ts"), join(folder, "floor.db")],
    cwd: folder,
  });
  const koa = await children.start({ name: "koa", args: [script("servers/koa.ts")], cwd: folder });
  const engines = [await engineUnderTest(bench, "engine", CHECKOUT)];
  if (options.against !== undefined) {
    const other = unpackRevision(CHECKOUT, options.against, folder);
    engines.push(await engineUnderTest(bench, `engine at ${other.revision}`, other.root));
  }
  const onStage = (round: number, name: string) =>
    say(`${round === 0 ? "warm-up" : `round ${round} of ${options.rounds}`}: ${name}`);
  const samples = await runRounds({ children, options, floor, koa, engines, onStage });
  await children.stopAll();
  return {
    samples,
    findings: roundFindings(
      samples,
      engines.map(({ name }) => name),
    ),
  };
}

async function engineUnderTest(bench: Bench, name: string, tree: string): Promise<EngineUnderTest> {
  const root = join(bench.folder, name.replaceAll(" ", "-"));
  mkdirSync(root);
  const sink = await bench.children.start({ name: "sink", args: [script("servers/sink.ts")], cwd: root });
  writeInstallation(root, sink.port);
  return { name, sink, root, server: await startEngine(bench, { name: "engine", tree, root }) };
}

function startEngine(
  { children }: Bench,
  { name, tree, root }: Record<"name" | "tree" | "root", string>,
): Promise<ServerChild> {
  return children.start({
    name,
    args: [join(tree, "engine/hookrail.js"), "run", "--quiet"],
    cwd: root,
    env: { BENCH_SECRET },
  });
}

async function idleFindings(bench: Bench): Promise<Finding[]> {
  say("idle memory and start-up");
  const idle = await measureIdle(
    bench,
    (root) => {
      writeInstallation(root, 9);
      return startEngine(bench, { name: "engine-idle", tree: CHECKOUT, root });
    },
    bench.options.quick ? 2 : 3,
  );
  return [
    { question: "idle memory / bare node:http", aim: "<= 1.5", value: idle.engineMb / idle.bareMb },
    { question: "idle memory, MB", aim: "", value: idle.engineMb },
    { question: "start to listening / bare node:http", aim: "", value: idle.engineStartMs / idle.bareStartMs },
    { question: "start to listening, ms", aim: "", value: idle.engineStartMs },
  ];
}

async function growthFindings({ children, options }: Bench): Promise<Finding[]> {
  say(`store growth to ${options.growthRows} rows`);
  const printed = await children.run([script("store-growth.ts"), String(options.growthRows)]);
  const { lastTenth, cpu } = lastLine<{ lastTenth: number; cpu: number }>(printed);
  const rows = options.growthRows.toLocaleString("en");
  return [
    {
      question: `insert rate of the last tenth of ${rows} rows / of the first 30 %`,
      aim: options.growthRows >= 1_000_000 ? ">= 0.75" : "",
      value: lastTenth,
    },
    { question: "the same in CPU time: a row of the first 30 % / of the last 30 %", aim: "", value: cpu },
  ];
}

async function mappingFindings({ children }: Bench): Promise<Finding[]> {
  say("mapping");
  const { object, expressions } = lastLine<{ object: number; expressions: number }>(
    await children.run([script("mapping.ts")]),
  );
  return [
    { question: "mapping: fast path / interpreter, 12 fields", aim: ">= 50", value: object },
    { question: "mapping: the same with every input judged for missing data", aim: "", value: expressions },
  ];
}

function lastLine<T>(printed: string): T {
  return JSON.parse(printed.trimEnd().split("\n").at(-1) ?? "null") as T;
}

const options = readOptions(process.argv.slice(2));
const folder = mkdtempSync(join(tmpdir(), "hookrail-bench-"));
const children = createChildren(folder);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
try {
  const report = await runBench({ options, children, folder });
  console.log(report);
  if (options.save) appendFileSync(script("RESULTS.md"), `\n${report}\n`);
} finally {
  await children.stopAll();
}
