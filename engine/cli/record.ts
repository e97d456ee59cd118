/** `hookrail record`: stored events as fixtures for tests, or as a corpus for `plan`, with persons taken out. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { Command } from "commander";
import { createDiskReader } from "../config/files.ts";
import type { Loaded } from "../config/options.ts";
import type { Revision } from "../config/revision.ts";
import { secretReference } from "../config/secret-reference.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { createRoutes } from "../flow/routes.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import type { EventFilter, StoreReader } from "../store/store.ts";
import { type CorpusEvent, writeCorpus } from "../testing/corpus.ts";
import { createPseudonyms } from "../testing/pseudonym.ts";
import { createRecording, type Recorded, type Recording } from "../testing/recording.ts";
import { tryRecorded } from "../testing/try-recorded.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { parseSince } from "./events.ts";
import { plainText, printJson } from "./format.ts";
import { findInstallation, type Installation } from "./installation.ts";
import { loadSide } from "./plan-load.ts";
import { fixtureText, snippetOf } from "./record-fixture.ts";
import { withReader } from "./stored.ts";
import { type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const recordVerb: Verb = (cli, action, globals) => {
  const command = new Command("record")
    .description("turn a stored event into a fixture for tests, or many into a corpus for plan, with persons taken out")
    .argument("[event]", "an id, ours or the provider's")
    .option("--out <file>", "where the fixture goes; default below pipelines/samples")
    .option("--force", "write over a file that is there")
    .option("--last <count>", "the newest so many, for --corpus", parseCount)
    .option("--corpus <folder>", "write a corpus there: manifest.json and events.ndjson")
    .option("--source <name>", "with --last: only of this source")
    .option("--pipeline <name>", "with --last: only with work in this pipeline")
    .option("--type <type>", "with --last: only of this event type")
    .option("--since <duration>", "with --last: only received within this time, e.g. 24h")
    .option("--json", "machine output");
  return onAction(
    command,
    action(async (input) => {
      const [id] = input.args;
      const corpus = input.options["corpus"];
      if ((id === undefined) === (input.options["last"] === undefined))
        fail("HK8142", { problem: "say which event, or --last N with --corpus" });
      if (id === undefined && corpus === undefined) fail("HK8142", { problem: "--last goes with --corpus" });
      const installation = findInstallation(cli, globals());
      const { loaded, revision } = await load(cli, installation);
      const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
      try {
        return await withReader(installation, (reader) => {
          const context = { cli, installation, reader, revision, loaded, evaluator, input };
          return id === undefined ? recordCorpus(context, String(corpus)) : recordOne(context, id);
        });
      } finally {
        await evaluator.close();
      }
    }),
  );
};

interface Context {
  readonly cli: Cli;
  readonly installation: Installation;
  readonly reader: StoreReader;
  readonly revision: Revision;
  readonly loaded: Loaded;
  readonly evaluator: Evaluator;
  readonly input: Input;
}

/** Secrets that are not set here are no hindrance: nothing is signed with them. */
async function load(cli: Cli, { root }: Installation): Promise<{ loaded: Loaded; revision: Revision }> {
  const loaded = await loadSide(cli, { label: "config.yaml", root, reader: createDiskReader(root) });
  if (loaded.revision !== undefined) return { loaded, revision: loaded.revision };
  printDiagnostics(cli, cli.err, loaded);
  return fail("HK8019", { count: loaded.diagnostics.filter((one) => one.severity === "error").length });
}

function recorder({ cli, installation, reader, revision, evaluator }: Context) {
  const key = recordKey(cli, installation);
  return createRecording({
    routes: createRoutes(revision),
    evaluator,
    pseudonyms: ({ prefixes }) => createPseudonyms(key, prefixes),
    fetched: ({ seq }, pipeline) => reader.fetched(seq, pipeline),
  });
}

/**
 * Beside the store and never in git: with it the same id has the same name in every recording of this installation, and
 * who has only the recordings can not try out which address a name stands for.
 */
function recordKey(cli: Cli, { storePath }: Installation): string {
  const path = join(dirname(storePath), "record.key");
  if (existsSync(path)) return readFileSync(path, "utf8").trim();
  const key = cli.randomHex(32);
  try {
    writeFileSync(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  } catch {
    cli.err.write(`names hold for this recording only: ${path} could not be written\n`);
  }
  return key;
}

const REASONS = {
  no_source: "config.yaml has no source of its name",
  body_gone: "its body is gone from the store",
  unreadable: "its body can not be read",
} as const satisfies Record<Extract<Recording, { ok: false }>["why"], string>;

async function recordOne(context: Context, id: string): Promise<number> {
  const { cli, installation, reader, revision, loaded, evaluator, input } = context;
  const story = await reader.story(id);
  if (story === undefined) return fail("HK8003", { id });
  const { event } = story;
  const recording = await recorder(context)(event);
  if (!recording.ok) return fail("HK8143", { id: event.id, problem: REASONS[recording.why] });
  const { recorded } = recording;
  const given = input.options["out"];
  const file =
    given === undefined
      ? join(
          installation.root,
          "pipelines/samples",
          `${recorded.source}.${safeName(recorded.type)}.${event.id.slice(-8)}.json`,
        )
      : resolve(cli.cwd, String(given));
  if (existsSync(file) && input.options["force"] !== true) fail("HK8144", { path: file });
  const { secretIndex, scheme } = event.verification;
  const fallback = secretIndex === 0 ? "no secret" : `secret ${secretIndex} of ${recorded.source}`;
  const secret = secretReference(loaded.files, recorded.source, secretIndex) ?? fallback;
  writeText(file, fixtureText(recorded, { secret, scheme }));
  const path = relative(installation.root, file).split(sep).join("/");
  const tried = await Promise.all(
    recorded.pipelines.map(async (pipeline) => ({
      pipeline,
      ...(await tryRecorded(recorded, { revision, pipeline, evaluator, path })),
    })),
  );
  if (input.options["json"] === true) {
    const tests = tried.map(({ pipeline, ...expect }) => ({ pipeline, file: path, expect }));
    printJson(cli, { recorded: { event: event.id, file: path, differences: recorded.differences, tests } });
    return EXIT.ok;
  }
  tellDifferences(cli, [recorded]);
  cli.err.write(`wrote ${path}\n`);
  if (path.startsWith(".."))
    cli.err.write("it lies outside of config.yaml's folder: tests can read it only once it is moved there\n");
  if (tried.length === 0) cli.err.write("no pipeline listens to this type: there is no test to write\n");
  for (const one of tried) cli.out.write(snippetOf(one, { path, recorded }));
  return EXIT.ok;
}

const safeName = (type: string) => type.replace(/[^\w.-]+/g, "_").slice(0, 80);

function writeText(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } catch (error) {
    const problem = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    fail("HK8145", { path, problem }, { cause: error });
  }
}

function tellDifferences(cli: Cli, recordings: readonly Pick<Recorded, "differences">[]): void {
  const all = [...new Set(recordings.flatMap((one) => one.differences))];
  for (const difference of all.slice(0, 5))
    cli.err.write(`${cli.err.color.yellow("differs")} ${plainText(difference)}\n`);
  if (all.length > 5) cli.err.write(`and ${all.length - 5} more\n`);
}

async function recordCorpus(context: Context, folder: string): Promise<number> {
  const { cli, reader, revision, input } = context;
  const summaries = await reader.events(filterOf(cli, input));
  const record = recorder(context);
  const events: CorpusEvent[] = [];
  const differences: Recorded[] = [];
  const left = new Map<string, number>();
  const leave = (why: string) => left.set(why, (left.get(why) ?? 0) + 1);
  for (const { seq, id } of [...summaries].reverse()) {
    const stored = await reader.event(seq);
    const recording = stored === undefined ? undefined : await record(stored);
    if (recording === undefined) leave(REASONS.body_gone);
    else if (!recording.ok) leave(REASONS[recording.why]);
    else {
      const { source, type, receivedAt, headers, body } = recording.recorded;
      events.push({ name: id, source, type, receivedAt, headers, body });
      differences.push(recording.recorded);
    }
    if (cli.err.tty) cli.err.write(`\r${events.length} of ${summaries.length} `);
  }
  if (cli.err.tty) cli.err.write("\r");
  if (events.length === 0) fail("HK8142", { problem: [...left.keys()][0] ?? "the store has none that fits" });
  const gitCommit = (await reader.revision(revision.hash))?.gitCommit;
  const target = resolve(cli.cwd, folder);
  const about = { revision: revision.hash, recordedAt: cli.clock.now(), ...(gitCommit !== undefined && { gitCommit }) };
  const manifest = written(target, () => writeCorpus(target, events, about));
  tellDifferences(cli, differences);
  for (const [why, count] of left) cli.err.write(`left out ${count}: ${why}\n`);
  if (input.options["json"] === true) {
    const leftOut = [...left].map(([why, count]) => ({ why, events: count }));
    printJson(cli, { corpus: { folder, events: manifest.events, sources: manifest.sources, left_out: leftOut } });
  } else cli.out.write(`${manifest.events} events in ${plainText(folder)}, oldest first\n`);
  return EXIT.ok;
}

function written<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const problem = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return fail("HK8145", { path, problem }, { cause: error });
  }
}

function filterOf(cli: Cli, { options }: Input): EventFilter {
  const named = ["source", "pipeline", "type"].filter((name) => options[name] !== undefined);
  return {
    ...Object.fromEntries(named.map((name) => [name, String(options[name])])),
    ...(options["since"] === undefined ? {} : { since: parseSince(cli, String(options["since"])) }),
    limit: Number(options["last"]),
  };
}
