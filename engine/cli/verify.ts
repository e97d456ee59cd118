/** `hookrail verify FILE`: would these captured requests be let in, and if not, why. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import { createDiskReader } from "../config/files.ts";
import { fail } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { RawRequest } from "../core/types.ts";
import { explainSigned, type SignedMessage } from "../provider/explain-signed.ts";
import type { FetchKey } from "../provider/key.ts";
import type { Verdict } from "../provider/model.ts";
import type { Recipe } from "../provider/recipe.ts";
import { verify } from "../provider/verify.ts";
import { loadRegistry } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { FORMAT_VERSION, formatMs, plainText, safeJson } from "./format.ts";
import { pluginRoot } from "./own-plugins.ts";
import { createRecipeBook } from "./recipes.ts";
import { onAction, type Verb } from "./verb.ts";

export const verifyVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("verify")
      .description("say of captured requests whether they would be accepted, and why not")
      .argument(
        "<file>",
        "a JSON object, or one on each line, with provider, secret or secrets, method, url, headers, bodyBase64, now; - reads stdin",
      )
      .option("--json", "one JSON object for each request"),
    action(async ({ args: [file = ""], options }) => {
      const text = file === "-" ? await cli.readStdin() : readCapture(cli, file);
      const root = pluginRoot(cli, globals());
      const { schemes } = await loadRegistry(root);
      const digests = new Map([...schemes].map(([name, { descriptor }]) => [name, descriptor] as const));
      const recipes = createRecipeBook(createDiskReader(root), digests);
      let refused = 0;
      for (const { value, line } of splitCaptures(text, file)) {
        const capture = readCaptured(value, { file, line });
        const recipe = recipes.get(capture.provider);
        const judged: Judged =
          recipe === undefined
            ? { verdict: { ok: false, reason: "unknown_provider" }, signed: [] }
            : await judge(capture, recipe);
        if (!judged.verdict.ok) refused++;
        if (options["json"] === true) cli.out.write(`${safeJson(verdictDocument(capture.provider, judged))}\n`);
        else cli.out.write(`${describe(cli, capture.provider, judged)}\n`);
      }
      return refused === 0 ? EXIT.ok : EXIT.findings;
    }),
  );

interface Captured {
  readonly provider: string;
  readonly secrets: readonly Secret[];
  readonly params: Readonly<Record<string, Secret>>;
  readonly request: RawRequest;
}

interface Place {
  readonly file: string;
  readonly line: number;
}

interface Judged {
  readonly verdict: Verdict | { readonly ok: false; readonly reason: "unknown_provider"; readonly detail?: string };
  readonly signed: readonly SignedMessage[];
}

async function judge(capture: Captured, recipe: Recipe): Promise<Judged> {
  const secrets = capture.secrets.map((value, at) => ({ index: at + 1, value }));
  const { request } = capture;
  const params = withKeySet(capture.params, request.receivedAt / 1000);
  const context = { secrets, params, now: request.receivedAt, fetchKey: capturedKeys(params, secrets) };
  const verified = await verify(recipe, request, context);
  if (!verified.ok) return { verdict: verified, signed: [] };
  const { verdict } = verified.request;
  return { verdict, signed: explainSigned(recipe, request, context, verdict) };
}

/**
 * In place of a fetch: `params.certificates`, by URL or one for all. A secret that would have been told in a handshake
 * is one of the `secrets`.
 */
function capturedKeys(params: Captured["params"], secrets: readonly { readonly value: Secret }[]): FetchKey {
  return (wanted) => {
    if (wanted.kind === "learned") return { ok: true, keys: secrets.map(({ value }) => value.reveal()) };
    const text = wanted.kind === "certificate" ? params["certificates"]?.reveal() : undefined;
    const held = text === undefined ? undefined : parseJson(text);
    if (typeof held !== "object" || held === null) return text;
    const found: unknown = Object.entries(held).find(([url]) => url === wanted.url)?.[1];
    return typeof found === "string" ? found : undefined;
  };
}

/** `params.keys` (by key id, a list, a key set or one key; bare, or in the provider's answer) as the `jwks` a source would give. */
function withKeySet(params: Captured["params"], now: number): Captured["params"] {
  const held: unknown = params["keys"] === undefined ? undefined : parseJson(params["keys"].reveal());
  if (typeof held !== "object" || held === null || "kty" in held) {
    return params["keys"] === undefined ? params : { jwks: params["keys"], ...params };
  }
  const named: readonly (readonly [string | undefined, unknown])[] = Array.isArray(held)
    ? held.map((key: unknown) => [undefined, key])
    : "keys" in held && Array.isArray(held.keys)
      ? held.keys.map((key: unknown) => [undefined, key])
      : Object.entries(held);
  const keys = named.flatMap(([kid, given]) => {
    const key: unknown = typeof given === "object" && given !== null && "key" in given ? given.key : given;
    if (typeof key !== "object" || key === null) return [];
    const end: unknown = "expired_at" in key ? key.expired_at : undefined;
    return typeof end === "number" && end <= now ? [] : [kid === undefined ? key : { kid, ...key }];
  });
  return { jwks: new Secret(JSON.stringify({ keys })), ...params };
}

function readCapture(cli: Cli, file: string): string {
  try {
    return readFileSync(resolve(cli.cwd, file), "utf8");
  } catch (error) {
    const cause = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    return fail("HK8013", { file, line: 1, problem: `the file can not be read (${cause})` });
  }
}

/** One document over the whole file, else one on each line that is not empty. */
function splitCaptures(text: string, file: string): readonly { readonly value: unknown; readonly line: number }[] {
  const whole = parseJson(text);
  if (whole !== undefined)
    return Array.isArray(whole) ? whole.map((value: unknown) => ({ value, line: 1 })) : [{ value: whole, line: 1 }];
  return text.split("\n").flatMap((row, at) => {
    if (row.trim() === "") return [];
    const value = parseJson(row);
    return value === undefined
      ? fail("HK8013", { file, line: at + 1, problem: "not JSON" })
      : [{ value, line: at + 1 }];
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readCaptured(value: unknown, place: Place): Captured {
  const wrong = (problem: string): never => fail("HK8013", { file: place.file, line: place.line, problem });
  if (typeof value !== "object" || value === null) return wrong("expected a JSON object");
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string, otherwise?: string): string => {
    const found = fields.get(name) ?? otherwise;
    return typeof found === "string" ? found : wrong(`\`${name}\` must be text`);
  };
  const now = fields.get("now");
  if (typeof now !== "number" || !Number.isFinite(now)) return wrong("`now` must be a number: unix seconds");
  const secrets = fields.get("secrets") ?? (fields.has("secret") ? [fields.get("secret")] : []);
  if (!Array.isArray(secrets) || secrets.some((one) => typeof one !== "string"))
    return wrong("`secrets` must be a list of texts");
  const url = URL.parse(text("url"), "http://localhost");
  if (url === null) return wrong("`url` can not be read");
  const params = Object.entries(fields.get("params") ?? {}).map(([name, param]) => [
    name,
    new Secret(typeof param === "string" ? param : JSON.stringify(param)),
  ]);
  const rawHeaders = readHeaderPairs(fields.get("headers"), wrong);
  return {
    provider: text("provider"),
    secrets: secrets.map((one: string) => new Secret(one)),
    params: { url: new Secret(text("url")), ...Object.fromEntries(params) },
    request: {
      method: text("method", "POST"),
      target: url.pathname + url.search,
      path: url.pathname,
      query: url.search.slice(1),
      headers: joinHeaders(rawHeaders),
      rawHeaders,
      body: Buffer.from(text("bodyBase64", ""), "base64"),
      remoteAddress: "",
      receivedAt: now * 1000,
    },
  };
}

/** An object, whose values may be lists of texts for repeated headers, or a list of pairs. */
function readHeaderPairs(headers: unknown, wrong: (problem: string) => never): string[] {
  if (headers === undefined) return [];
  if (typeof headers !== "object" || headers === null) return wrong("`headers` must be an object");
  const pairs: readonly [unknown, unknown][] = Array.isArray(headers)
    ? headers.map((pair: unknown) => (Array.isArray(pair) ? [pair[0], pair[1]] : wrong("`headers` must be pairs")))
    : Object.entries(headers);
  return pairs.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => [String(name), String(one)]),
  );
}

function joinHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    headers[name] = name in headers ? `${headers[name]}, ${raw[i + 1]}` : (raw[i + 1] ?? "");
  }
  return headers;
}

function verdictDocument(provider: string, { verdict, signed }: Judged) {
  const base = { format_version: FORMAT_VERSION, provider, result: verdict.ok ? "accept" : "reject" };
  if (!verdict.ok) return { ...base, reason: verdict.reason, detail: verdict.detail ?? null };
  return {
    ...base,
    scheme: verdict.scheme,
    entry: verdict.entry,
    secret_index: verdict.secretIndex,
    signed: verdict.signed,
    messages: signed.map(({ parts, bytes, sha256 }) => ({
      parts: parts.map((one) => ({ part: one.part, bytes: one.bytes ?? null })),
      bytes: bytes ?? null,
      sha256: sha256 ?? null,
    })),
    skew_ms: verdict.skewMs ?? null,
  };
}

function describe(cli: Cli, provider: string, { verdict, signed }: Judged): string {
  const { color } = cli.out;
  if (!verdict.ok)
    return `${color.red("reject")} ${provider} ${verdict.reason}${verdict.detail === undefined ? "" : `: ${plainText(verdict.detail)}`}`;
  const skew = verdict.skewMs === undefined ? "" : `, skew ${formatMs(verdict.skewMs)}`;
  const head = `${color.green("accept")} ${provider} ${verdict.scheme}, secret ${verdict.secretIndex}${skew}, signed ${verdict.signed}`;
  return [head, ...signed.map(describeMessage)].join("\n");
}

/** `  timestamp 10 + "." 1 + raw_body 43 = 54 bytes, sha256 …` */
function describeMessage({ parts, bytes, sha256 }: SignedMessage): string {
  const pieces = parts.map((one) => (one.bytes === undefined ? one.part : `${plainText(one.part)} ${one.bytes}`));
  const whole = bytes === undefined || sha256 === undefined ? "" : ` = ${bytes} bytes, sha256 ${sha256}`;
  return `  ${pieces.join(" + ")}${whole}`;
}
