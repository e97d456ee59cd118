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
import type { StoreReader } from "../store/store.ts";
import { createPseudonyms } from "../testing/pseudonym.ts";
import { createRecording, type RecordingDeps } from "../testing/recording.ts";
import { tryRecorded } from "../testing/try-recorded.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { printJson } from "./format.ts";
import { findInstallation, type Installation } from "./installation.ts";
import { loadSide } from "./plan-load.ts";
import { REASONS, recordCorpusTo, tellDifferences } from "./record-corpus.ts";
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
    .option("--corpus <folder>", "write a corpus there: manifest.json, events.ndjson and state.ndjson")
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
          if (id !== undefined) return recordOne(context, id);
          const { storePath } = installation;
          return recordCorpusTo(String(corpus), { ...context, storePath, pseudonyms: namesOf(context) });
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

function namesOf({ cli, installation }: Context): RecordingDeps["pseudonyms"] {
  const key = recordKey(cli, installation);
  return ({ prefixes }) => createPseudonyms(key, prefixes);
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

async function recordOne(context: Context, id: string): Promise<number> {
  const { cli, installation, reader, revision, loaded, evaluator, input } = context;
  const story = await reader.story(id);
  if (story === undefined) return fail("HK8003", { id });
  const { event } = story;
  const record = createRecording({
    routes: createRoutes(revision),
    evaluator,
    pseudonyms: namesOf(context),
    fetched: ({ seq }, pipeline) => reader.fetched(seq, pipeline),
  });
  const recording = await record(event);
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
  tellDifferences(cli, recorded.differences);
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
