/** `hookrail send PROVIDER/SAMPLE`: a sample event, really signed with the source's secret, to the running engine. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import type { Revision, SourceModel } from "../config/revision.ts";
import { parseDuration } from "../core/duration.ts";
import { fail } from "../core/errors.ts";
import { didYouMean, nearest } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import type { Sample } from "../provider/model.ts";
import { type RenderedSample, renderSample, type SampleChanges } from "../provider/sample.ts";
import { signWhole } from "../provider/sign.ts";
import { callAdmin } from "./admin-client.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson, suggest } from "./format.ts";
import { findInstallation, type GlobalOptions } from "./installation.ts";
import { connectionProblem } from "./remote.ts";
import { collect, type Input, onAction, parseCount, type Verb } from "./verb.ts";

export const sendVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("send")
      .description("send a sample event, really signed, to the running engine")
      .argument("[sample]", "PROVIDER/EVENT, e.g. stripe/invoice.paid")
      .option("--list", "list the samples of the providers in the config")
      .option("--source <name>", "the source to send to; else the first of the provider")
      .option("--set <path=value>", "change a value of the body, below the source's root; repeatable", collect)
      .option("--remove <path>", "leave a value out; repeatable", collect)
      .option("--body <file>", "send this file's JSON in place of the sample's body")
      .option("--id <id>", "the provider's event id; else a new one for each event")
      .option("--at <time>", "when it happened: +1m, -2h, or an ISO time; else now")
      .option("--times <count>", "how many events", parseCount, 1)
      .option("--json", "machine output"),
    action((input) => send(cli, globals(), input)),
  );

async function send(cli: Cli, globals: GlobalOptions, { args: [name], options }: Input): Promise<number> {
  const installation = findInstallation(cli, globals);
  const revision = await loadRevision(cli, installation.configPath);
  if (options["list"] === true || name === undefined) return listSamples(cli, revision, options["json"] === true);
  const { source, sample } = findSample(revision, name, options["source"]);
  const url = await hookUrl(cli, { revision, source, installation });
  const bodyFile = options["body"];
  const changed: Sample = typeof bodyFile === "string" ? { ...sample, body: readJsonFile(cli, bodyFile) } : sample;
  const answers: Answer[] = [];
  for (let n = 0; n < Number(options["times"]); n++) {
    const id = sampleId(cli, options);
    const rendered = renderSample(source.recipe, changed, { id, ...sampleChanges(cli, source, options) });
    answers.push(await post(cli, { url, source, rendered, id }));
  }
  report(cli, answers, options["json"] === true);
  return answers.every((one) => one.status >= 200 && one.status < 300) ? EXIT.ok : EXIT.findings;
}

interface Answer {
  readonly status: number;
  readonly event: string | undefined;
  readonly providerId: string;
  readonly body: string;
}

/** A source written inline in a pipeline goes by the pipeline's name. */
function knownProviders(revision: Revision, provider: string): string {
  const known = [...new Set(allSources(revision).map((source) => source.provider))].sort();
  return didYouMean(provider, known) ?? `the sources' providers are ${known.join(", ")}`;
}

export function findSample(
  revision: Revision,
  name: string,
  sourceName: unknown,
): { source: SourceModel; sample: Sample } {
  const slash = name.indexOf("/");
  const provider = slash < 0 ? name : name.slice(0, slash);
  const sources = allSources(revision).filter(
    (one) => one.provider === provider && (sourceName === undefined || one.name === sourceName),
  );
  const source = sources[0] ?? fail("HK8007", { provider }, { hint: knownProviders(revision, provider) });
  const sample = source.recipe.samples.get(name.slice(slash + 1));
  if (slash >= 0 && sample !== undefined) return { source, sample };
  const guess = nearest(name.slice(slash + 1), [...source.recipe.samples.keys()]);
  return fail(
    "HK8006",
    { sample: name },
    guess === undefined ? {} : { hint: `did you mean \`${provider}/${guess}\`?` },
  );
}

/** Shared sources, and those written inline in a pipeline. */
export function allSources(revision: Revision): SourceModel[] {
  const sources = new Map(
    [...revision.sources.values(), ...revision.pipelines.map((one) => one.source)].map((one) => [one.name, one]),
  );
  return [...sources.values()].filter((one) => one.enabled);
}

function listSamples(cli: Cli, revision: Revision, json: boolean): number {
  const recipes = new Map(allSources(revision).map((one) => [one.provider, one.recipe]));
  const names = [...recipes].flatMap(([provider, recipe]) =>
    [...recipe.samples.keys()].map((sample) => `${provider}/${sample}`),
  );
  if (json) printJson(cli, { samples: names });
  else for (const name of names) cli.out.write(`${name}\n`);
  return EXIT.ok;
}

interface Target {
  readonly revision: Revision;
  readonly source: SourceModel;
  readonly installation: Parameters<typeof callAdmin>[1];
}

/** The running engine says where it listens, which `port: 0` leaves open. */
async function hookUrl(cli: Cli, { revision, source, installation }: Target): Promise<string> {
  const running = await callAdmin(cli, installation, { method: "GET", path: "/api/v1/status" });
  const hooks = running?.document?.["hooks"];
  if (typeof hooks === "string") return reachable(hooks) + source.path;
  const { host, port } = revision.server;
  return fail("HK8005", { where: `http://${host}:${port}` });
}

/** An address that stands for all of them is reached over loopback. */
function reachable(url: string): string {
  return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:");
}

function sampleId(cli: Cli, options: Input["options"]): string {
  return typeof options["id"] === "string" ? options["id"] : `evt_sample_${cli.randomHex(8)}`;
}

function sampleChanges(cli: Cli, source: SourceModel, options: Input["options"]): SampleChanges {
  const set = Object.fromEntries(list(options["set"]).map(parseSet));
  return { time: parseAt(cli, options["at"]), root: source.root, set, remove: list(options["remove"]) };
}

function list(option: unknown): readonly string[] {
  return Array.isArray(option) ? option.map(String) : [];
}

/** `seats=5`, `plan="pro"`, `note=some text`: JSON where it is JSON, else text. */
export function parseSet(text: string): [string, Json] {
  const at = text.indexOf("=");
  if (at < 1) return fail("HK8009", { option: "--set", expected: "path=value", got: text });
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value) as Json];
  } catch {
    return [text.slice(0, at), value];
  }
}

/** `+1m` and `-2h` from now, or an instant. */
export function parseAt(cli: Pick<Cli, "clock">, option: unknown): number {
  if (option === undefined) return cli.clock.now();
  const text = String(option);
  const sign = /^[+-]/.exec(text)?.[0];
  const shift = sign === undefined ? undefined : parseDuration(text.slice(1));
  if (shift?.ok === true) return cli.clock.now() + (sign === "-" ? -shift.value : shift.value);
  // Date.parse alone would take "+1" for a year.
  const instant = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(instant)
    ? fail("HK8009", { option: "--at", expected: "+1m, -2h or an ISO time", got: text })
    : instant;
}

function readJsonFile(cli: Cli, file: string): Json {
  try {
    return JSON.parse(readFileSync(resolve(cli.cwd, file), "utf8")) as Json;
  } catch {
    return fail("HK8009", { option: "--body", expected: "a readable file of JSON", got: file });
  }
}

interface Posting {
  readonly url: string;
  readonly source: SourceModel;
  readonly rendered: RenderedSample;
  readonly id: string;
}

async function post(cli: Cli, { url, source, rendered, id }: Posting): Promise<Answer> {
  const [secret] = source.secrets;
  const signed = signWhole(source.recipe, {
    body: rendered.body,
    now: cli.clock.now(),
    url,
    headers: rendered.headers,
    id,
    params: source.params,
    ...(secret && { secret: secret.value }),
  });
  try {
    const response = await fetch(signed.url, {
      method: "POST",
      headers: signed.headers,
      body: Buffer.from(signed.body),
      redirect: "manual",
      signal: AbortSignal.timeout(30_000),
    });
    return {
      status: response.status,
      event: response.headers.get("x-hookrail-event") ?? undefined,
      providerId: id,
      body: await response.text(),
    };
  } catch (error) {
    const code = codeOf(error);
    const problem = code === "ECONNREFUSED" ? undefined : connectionProblem(code);
    if (problem !== undefined) return fail("HK8256", { where: url, problem });
    return fail("HK8005", { where: url });
  }
}

/** `fetch` tells the reason as the cause of its own failure. */
function codeOf(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  return typeof code === "string" ? code : undefined;
}

function report(cli: Cli, answers: readonly Answer[], json: boolean): void {
  if (json) {
    printJson(cli, {
      sent: answers.map((one) => ({ status: one.status, event: one.event ?? null, provider_id: one.providerId })),
    });
    return;
  }
  const { color } = cli.out;
  for (const { status, event, body } of answers) {
    const good = status >= 200 && status < 300;
    const what =
      status === 202 ? "accepted" : status === 200 ? "duplicate, nothing done twice" : plainText(body.slice(0, 200));
    cli.out.write(
      `${good ? color.green(status) : color.red(status)} ${what}${event === undefined ? "" : `  ${event}`}\n`,
    );
  }
  const last = answers.at(-1)?.event;
  suggest(cli, ...(last === undefined ? ["events"] : ["events", `explain ${last}`]));
}
