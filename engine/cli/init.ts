/** `hookrail init`: a config, a pipeline with its tests and runbook, and a sample event, by provider and sink. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command, Option } from "commander";
import { parse } from "yaml";
import { namesOf, shippedFiles } from "../config/shipped.ts";
import { listAssets, readAsset } from "../core/assets.ts";
import { fail } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import type { RecipeYaml } from "../provider/recipe.schema.ts";
import { compileRecipe } from "../provider/recipe.ts";
import { runbookPathOf, runbookSkeleton } from "../site/runbooks.ts";
import { tryLoadRevision } from "./config.ts";
import type { Cli } from "./context.ts";
import { EXIT } from "./context.ts";
import { suggest } from "./format.ts";
import { draftOf } from "./init-draft.ts";
import { eventFile, filesFor, type InitFiles } from "./init-files.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

const STARTER = "engine/cli/starter/";
/** The recipe's own sample, written out so that it can be read and changed. */
const TEST_EVENT = { asset: "plugins/providers/samples/stripe/invoice.paid.json", file: "events/invoice.paid.json" };
const CI = {
  github: { asset: "ci/github-actions.yml", file: ".github/workflows/hookrail.yml" },
  gitlab: { asset: "ci/gitlab-ci.yml", file: ".gitlab-ci.yml" },
} as const;

export const initVerb: Verb = (cli, action) =>
  onAction(
    new Command("init")
      .description("write a config, a pipeline with tests and runbook, and a test event into an empty folder")
      .argument("[folder]", "where; made if it is not there", ".")
      .option("--provider <name>", "who sends; `hookrail plugins` lists them")
      .option("--sink <name>", "where it goes; without it a local SQLite file")
      .option("--pipeline <name>", "what the pipeline is called")
      .addOption(new Option("--ci <kind>", "also a CI file").choices(Object.keys(CI))),
    action(async (input) => {
      const {
        args: [folder = "."],
      } = input;
      const root = resolve(cli.cwd, folder);
      const choice = await choose(cli, input);
      const { files, send } =
        choice.provider === undefined && choice.sink === undefined && choice.pipeline === undefined
          ? starter(cli)
          : scaffold(cli, choice);
      const all = { ...files, ...ciFile(choice.ci) };
      const taken = Object.keys(all).find((name) => existsSync(join(root, name)));
      if (taken !== undefined) fail("HK8010", { path: join(folder, taken) });
      for (const [name, { text, mode }] of Object.entries(all)) write(cli, root, name, { text, mode });
      await writeRunbooks(cli, root);
      for (const key of Object.keys(all).filter((name) => name.startsWith("keys/")))
        cli.err.write(`${key} is for tests: put the provider's public key there before real events come in\n`);
      if (folder !== ".") cli.err.write(`cd ${folder}\n`);
      suggest(cli, "check", "test", "run");
      cli.err.write("then, in another terminal here:\n");
      suggest(cli, send);
      return EXIT.ok;
    }),
  );

function write(
  cli: Cli,
  root: string,
  name: string,
  { text, mode }: { readonly text: string; readonly mode: number },
): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text, { mode, flag: "wx" });
  cli.out.write(`${relative(cli.cwd, join(root, name))}\n`);
}

interface Choice {
  readonly provider?: string;
  readonly sink?: string;
  readonly pipeline?: string;
  readonly ci?: keyof typeof CI;
}

/** On a terminal, without options, it asks. */
async function choose(cli: Cli, { options }: Input): Promise<Choice> {
  const text = (name: string) =>
    typeof options[name] === "string" && options[name] !== "" ? { [name]: options[name] } : {};
  const given: Choice = { ...text("provider"), ...text("sink"), ...text("pipeline"), ...text("ci") };
  const { stdin } = cli;
  if (Object.keys(given).length > 0 || stdin?.tty !== true || !cli.err.tty) return given;
  const lines = createInterface({ input: stdin.stream });
  try {
    const typed = lines[Symbol.asyncIterator]();
    const ask = async (question: string, standard: string, known?: readonly string[]): Promise<string> => {
      cli.err.write(`${question} [${standard}] `);
      const next = await typed.next();
      const answer = next.done === true ? "" : next.value.trim();
      if (answer === "" || known === undefined || known.includes(answer)) return answer === "" ? standard : answer;
      cli.err.write(`${didYouMean(answer, known) ?? "there is none of that name; `hookrail plugins` lists them"}\n`);
      return next.done === true ? standard : ask(question, standard, known);
    };
    const provider = await ask("Who sends?", "stripe", providers());
    const sink = await ask("Where does it go?", "sql", sinks());
    const pipeline = await ask("What is the pipeline called?", `${provider.replaceAll(".", "-")}-to-${sink}`);
    const ci = await ask("A CI file: github, gitlab or none?", "none", ["github", "gitlab", "none"]);
    return { provider, sink, pipeline, ...(ci !== "none" && { ci: ci as keyof typeof CI }) };
  } finally {
    lines.close();
  }
}

const providers = () => namesOf(shippedFiles.list("plugins/providers/"), "plugins/providers");
const sinks = () => ["file", "http", "sql", ...namesOf(shippedFiles.list("plugins/sinks/"), "plugins/sinks")];

function known(what: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  const hint = didYouMean(name, names);
  return fail("HK8171", { what, name }, hint === undefined ? {} : { hint });
}

interface Scaffold {
  readonly files: InitFiles;
  /** The first command to try once it runs. */
  readonly send: string;
}

function scaffold(cli: Cli, choice: Choice): Scaffold {
  const provider = known("provider", choice.provider ?? "stripe", providers());
  const sink = known("sink", choice.sink ?? "sql", sinks());
  const pipeline = choice.pipeline ?? `${provider.replaceAll(".", "-")}-to-${sink}`;
  if (!/^[a-z][a-z0-9._-]*$/.test(pipeline))
    fail("HK8009", {
      option: "--pipeline",
      expected: "a name of small letters, digits, `.`, `_` and `-`",
      got: pipeline,
    });
  const yaml = parse(readAsset(`plugins/providers/${provider}.yaml`)) as RecipeYaml;
  const compiled = compileRecipe(yaml, (path) => JSON.parse(readAsset(`plugins/providers/${path}`)) as Json);
  const draft = compiled.ok ? draftOf(compiled.recipe) : undefined;
  if (!compiled.ok || draft === undefined)
    return fail("HK9001", { what: "a recipe without a sample to start from", value: provider });
  const files = filesFor({ provider, sink, pipeline, recipe: compiled.recipe, draft, randomHex: cli.randomHex });
  return { files, send: `send ${provider}/${draft.sample.name} --body ${eventFile(draft)}` };
}

function starter(cli: Cli): Scaffold {
  const shipped = listAssets(STARTER)
    .map((name) => [name.slice(STARTER.length), { text: readAsset(name), mode: 0o644 }] as const)
    .filter(([name]) => !name.startsWith("ci/"));
  const secret = () => `STRIPE_WHSEC=whsec_${cli.randomHex(24)}\n`;
  const files: InitFiles = {
    ...Object.fromEntries(shipped),
    [TEST_EVENT.file]: { text: readAsset(TEST_EVENT.asset), mode: 0o644 },
    // A secret of this installation's own: only who has it can sign.
    ".env": { text: secret(), mode: 0o600 },
    ".env.example": { text: secret(), mode: 0o644 },
    ".gitignore": { text: ".env\ndata/\n", mode: 0o644 },
  };
  return { files, send: `send stripe/invoice.paid --body ${TEST_EVENT.file}` };
}

function ciFile(kind: Choice["ci"]): InitFiles {
  if (kind === undefined) return {};
  return { [CI[kind].file]: { text: readAsset(`${STARTER}${CI[kind].asset}`), mode: 0o644 } };
}

/** From the config that was just written, so that they say what it says. */
async function writeRunbooks(cli: Cli, root: string): Promise<void> {
  const revision = await tryLoadRevision(cli, join(root, "config.yaml"));
  for (const pipeline of revision?.pipelines ?? []) {
    const path = runbookPathOf(pipeline);
    if (revision !== undefined && !existsSync(join(root, path)))
      write(cli, root, path, { text: runbookSkeleton(revision, pipeline), mode: 0o644 });
  }
}
