/** One request and its answer: host and credentials of the moment, a refused token renewed once. */
import { fail, HookrailError } from "../core/errors.ts";
import type { HttpAnswer, Outcome, Settings } from "../plugin/index.ts";
import type { PresetAction } from "../plugin/preset.schema.ts";
import type { AuthContext, Authenticated } from "./auth.ts";
import { type Answered, type Classified, type ClassifyOptions, classifyFailure, type ItemResults } from "./classify.ts";
import { checkHeader, type FrozenHttp } from "./http-request.ts";
import { type Opened, secretsOf } from "./opened.ts";
import { plainSettings } from "./scope.ts";
import { compileTemplate, type Expressions, fillRequired } from "./template.ts";

/** What an answer means: for all that was sent, or for each item. */
type Judged = Outcome | ItemResults;

/** A request and its answer, judged. A refused token is renewed once, in the same attempt: nothing was applied. */
export async function converse(
  request: FrozenHttp,
  auth: AuthContext,
  opened: Opened,
  judge: (answer: Answered) => Classified | ItemResults,
): Promise<{ readonly judged: Judged; readonly answer?: Answered }> {
  for (let round = 1; ; round++) {
    const answer = await roundTrip(request, auth, opened);
    if ("outcome" in answer) return { judged: answer.outcome };
    if (!answer.ok) return { judged: classifyFailure(answer) };
    const judged = judge(answer);
    if (judged.kind !== "refresh_auth") return { judged, answer };
    if (round > 1 || !opened.auth.refresh())
      return { judged: { kind: "pause", status: judged.status, detail: judged.detail } };
  }
}

/** How answers to an action are read. */
export function rulesOf(spec: PresetAction, { preset, context }: Opened): Omit<ClassifyOptions, "item"> {
  return {
    rules: [...(spec.responses ?? []), ...(preset.responses ?? [])],
    ...(spec.items === undefined ? {} : { items: spec.items }),
    retryAfter: preset.retry_after ?? [],
    now: context.clock.now(),
  };
}

async function roundTrip(
  request: FrozenHttp,
  auth: AuthContext,
  opened: Opened,
): Promise<HttpAnswer | { readonly outcome: Outcome }> {
  const ready = await withHostAndCredentials(request, auth, opened).catch((error: unknown): Authenticated => {
    if (error instanceof HookrailError) return { ok: false, outcome: { kind: "pause", detail: error.message } };
    // Nothing was sent, so this is no unknown outcome, whatever went wrong.
    return { ok: false, outcome: { kind: "rejected", detail: "the request can not be put together" } };
  });
  return ready.ok ? opened.context.http.request({ ...ready.request, signal: auth.signal }) : { outcome: ready.outcome };
}

/** Nothing is sent here but, perhaps, the request for a token. */
async function withHostAndCredentials(request: FrozenHttp, auth: AuthContext, opened: Opened): Promise<Authenticated> {
  const host = await opened.auth.host(auth);
  if (!host.ok) return host;
  const base = host.url ?? (await baseUrl(opened));
  const extra: Record<string, string> = {};
  for (const [name, value] of Object.entries(secretsOf(opened.settings["extra_headers"]))) {
    extra[name.toLowerCase()] = checkHeader(name, value, opened.context.connection);
  }
  const outgoing = {
    method: request.method,
    url: `${base.replace(/\/+$/, "")}${request.path}`,
    headers: {
      accept: "application/json",
      "user-agent": "hookrail",
      ...(auth.traceparent === undefined ? {} : { traceparent: auth.traceparent }),
      ...request.headers,
      ...extra,
    },
    ...(request.body === null ? {} : { body: request.body }),
  };
  return opened.auth.authenticate(outgoing, auth);
}

async function baseUrl({ preset, settings, expressions, context }: Opened): Promise<string> {
  const own = settings["base_url"];
  if (typeof own === "string") return own;
  const { connection } = context;
  if (preset.hosts !== undefined) {
    const url = preset.hosts.urls[String(settings[preset.hosts.by])];
    return url ?? fail("HK5008", { connection, setting: preset.hosts.by });
  }
  return preset.host === undefined
    ? fail("HK5008", { connection, setting: "base_url" })
    : fillSettings(preset.host, { settings, expressions, connection });
}

interface FillSettings {
  readonly settings: Settings;
  readonly expressions: Expressions;
  readonly connection: string;
}

/** Fills a host or endpoint from settings. */
export async function fillSettings(
  template: string,
  { settings, expressions, connection }: FillSettings,
): Promise<string> {
  const scope = { settings: plainSettings(settings) };
  return fillRequired(compileTemplate(template, expressions), {
    scope,
    expressions,
    where: { connection, action: "host" },
    encode: false,
  });
}
