/** The admin API: what is stored, how the engine is, and the few things a person may do. JSON only, no CORS. */
import Koa from "koa";
import { fail, HookrailError } from "../core/errors.ts";
import { errorFields, type Log } from "../core/log.ts";
import type { Json } from "../core/types.ts";
import type { Operations } from "../flow/operations.ts";
import type { EventFilter, StoreReader } from "../store/store.ts";
import { type AdminGuard, type AdminRequest, judgeAdmin } from "./admin-guard.ts";
import { LIFE_ROUTES, type LifeDeps } from "./admin-life.ts";
import { RELOAD_ROUTES, type ReloadDeps, type ReloadStatus } from "./admin-reload.ts";
import { REPLAY_ROUTES, type ReplayDeps } from "./admin-replay.ts";
import type { Answer, Call, Page, Route } from "./admin-route.ts";
import { readBody } from "./body.ts";
import {
  countsDocument,
  deadLetterDocument,
  eventDocument,
  pauseDocument,
  type Sensitivity,
  type StatusDocument,
  storyDocument,
} from "./documents.ts";
import { createListener, type Listener, type TlsTexts } from "./server.ts";

export interface AdminDeps extends ReplayDeps, LifeDeps, ReloadDeps {
  readonly reader: StoreReader;
  readonly operations: Operations;
  readonly status: () => StatusDocument;
  /** Why the engine is not ready to take hooks; undefined when it is. */
  readonly notReady: () => string | undefined;
  readonly sensitivity: () => Sensitivity;
  /** What a scrape gets; absent: there is no such path. */
  readonly metrics?: () => Promise<Page>;
  readonly guard: AdminGuard;
  readonly log: Log;
  readonly requestId: () => string;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_LIMIT = 1_000;
/** Faults of the one who asks; all others are the engine's. */
const ASKED_WRONGLY = /^HK80(18|[5-7]\d)$/;

const ROUTES: readonly Route<AdminDeps>[] = [
  { method: "GET", path: /^\/healthz$/, run: () => ({ document: { status: "ok" } }) },
  { method: "GET", path: /^\/readyz$/, run: (_call, deps) => readiness(deps) },
  { method: "GET", path: /^\/metrics$/, run: scrape },
  { method: "GET", path: /^\/api\/v1\/status$/, run: status },
  { method: "GET", path: /^\/api\/v1\/events$/, run: listEvents },
  { method: "GET", path: /^\/api\/v1\/events\/([^/]+)$/, run: oneEvent },
  { method: "GET", path: /^\/api\/v1\/dead-letters$/, run: listDeadLetters },
  { method: "GET", path: /^\/api\/v1\/dead-letters\/([^/]+)$/, run: oneDeadLetter },
  {
    method: "POST",
    path: /^\/api\/v1\/dead-letters\/([^/]+)\/(retry|discard)$/,
    right: ([, verb]) => (verb === "discard" ? "discard" : "retry"),
    run: closeDeadLetter,
  },
  { method: "POST", path: /^\/api\/v1\/(pause|resume)$/, right: () => "pause", run: switchPause },
  ...LIFE_ROUTES,
  ...REPLAY_ROUTES,
  ...RELOAD_ROUTES,
];

/** A config that was refused does not make it unready: it works on with the one before. */
function readiness({ notReady, reloadStatus, status }: AdminDeps): Answer {
  const reason = notReady();
  const { last_reload: last } = reloadStatus();
  const config = { revision: status().revision, reload: last === null ? null : shortReload(last) };
  return reason === undefined
    ? { document: { status: "ready", ...config } }
    : { status: 503, document: { status: "not ready", reason, ...config } };
}

/** Without what stands in the files: this answer is open to whoever may reach the port. */
function shortReload({ at, result, error }: NonNullable<ReloadStatus["last_reload"]>): object {
  return { at, result, error: error?.code ?? null };
}

async function scrape(_call: Call, { metrics }: AdminDeps): Promise<Answer> {
  const page = await metrics?.();
  return { document: undefined, ...(page !== undefined && { page }) };
}

async function status(_call: Call, { reader, ...deps }: AdminDeps): Promise<Answer> {
  const [counts, pauses] = await Promise.all([reader.counts(), reader.pauses()]);
  return {
    document: {
      ...deps.status(),
      ...deps.reloadStatus(),
      counts: countsDocument(counts),
      paused: pauses.map(pauseDocument),
    },
  };
}

async function listEvents({ query }: Call, { reader }: AdminDeps): Promise<Answer> {
  const text = (name: string) => query.get(name) ?? undefined;
  const filter: Record<string, string | number> = { limit: Math.min(count(query, "limit") ?? 20, MAX_LIMIT) };
  for (const name of ["source", "pipeline", "type", "outcome"]) {
    const value = text(name);
    if (value !== undefined) filter[name] = value;
  }
  for (const name of ["since", "before"]) {
    const value = count(query, name);
    if (value !== undefined) filter[name] = value;
  }
  const events = await reader.events(filter satisfies EventFilter);
  return { document: { events: events.map(eventDocument) } };
}

async function oneEvent({ params: [id = ""] }: Call, { reader, sensitivity }: AdminDeps): Promise<Answer> {
  const story = await reader.story(id);
  return { document: story && { event: storyDocument(story, sensitivity()) } };
}

async function listDeadLetters({ query }: Call, { reader, sensitivity }: AdminDeps): Promise<Answer> {
  const status = query.get("status") ?? "open";
  if (status !== "open" && status !== "retried" && status !== "discarded")
    fail("HK8018", { problem: "status must be open, retried or discarded" });
  const pipeline = query.get("pipeline");
  const letters = await reader.deadLetters({
    status,
    limit: Math.min(count(query, "limit") ?? 100, MAX_LIMIT),
    ...(pipeline !== null && { pipeline }),
  });
  return { document: { dead_letters: letters.map((letter) => deadLetterDocument(letter, sensitivity())) } };
}

async function oneDeadLetter({ params: [id = ""] }: Call, { reader, sensitivity }: AdminDeps): Promise<Answer> {
  const letter = await reader.deadLetter(id);
  return { document: letter && { dead_letter: deadLetterDocument(letter, sensitivity()) } };
}

async function closeDeadLetter(
  { params: [id = "", verb], body, actor }: Call,
  { reader, operations, sensitivity }: AdminDeps,
): Promise<Answer> {
  const reason = typeof body["reason"] === "string" ? body["reason"].trim() : "";
  if (verb === "discard" && reason === "") fail("HK8018", { problem: "a discard needs a reason" });
  const letter = await reader.deadLetter(id);
  if (letter === undefined || letter.status !== "open") return { document: undefined };
  const by = { actor, reason };
  const done = await (verb === "discard" ? operations.discardDead(letter.id, by) : operations.retryDead(letter.id, by));
  if (!done) return { document: undefined };
  return {
    document: {
      dead_letter: deadLetterDocument(letter, sensitivity()),
      done: verb === "discard" ? "discarded" : "retried",
    },
  };
}

async function switchPause({ params: [verb], body, actor }: Call, { operations, status }: AdminDeps): Promise<Answer> {
  const { kind, name, reason } = body;
  if (kind !== "pipeline" && kind !== "connection") fail("HK8018", { problem: "kind must be pipeline or connection" });
  const known: readonly { readonly name: string }[] = kind === "pipeline" ? status().pipelines : status().connections;
  if (typeof name !== "string" || !known.some((one) => one.name === name)) return { document: undefined };
  const decision = { actor, reason: typeof reason === "string" ? reason : "" };
  if (verb === "resume")
    return { document: { kind, name, paused: false, was_paused: await operations.resume(kind, name, decision) } };
  await operations.pause(kind, name, decision);
  return { document: { kind, name, paused: true } };
}

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) fail("HK8018", { problem: `${name} must be a whole number` });
  return Number(text);
}

/** The admin API as a Koa app. `local`: served on the socket, whose file mode is the guard. */
export function createAdminApp(deps: AdminDeps, local: boolean): Koa {
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx) => {
    const { method, path } = ctx;
    const answer = await answerAdmin(ctx, deps, { method, path, headers: ctx.headers, local });
    ctx.set({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'",
      "referrer-policy": "no-referrer",
    });
    ctx.status = answer.status;
    const document = { format_version: "1.0", ...answer.document };
    const { type, text } = answer.page ?? { type: "application/json; charset=utf-8", text: JSON.stringify(document) };
    ctx.set("content-type", type);
    ctx.body = text;
  });
  return app;
}

async function answerAdmin(
  ctx: Koa.Context,
  deps: AdminDeps,
  request: AdminRequest,
): Promise<{ status: number; document: object; page?: Page }> {
  const failed = (status: number, error: string) => ({ status, document: { error, request_id: deps.requestId() } });
  const judged = judgeAdmin(request, deps.guard);
  if (!judged.ok) {
    const { status, error } = judged;
    deps.log.repeating("warn", `admin refused: ${error}`, "an admin request was refused", {
      reason: error,
      method: request.method,
      remote: ctx.req.socket.remoteAddress,
    });
    if (status === 401) ctx.set("www-authenticate", "Bearer");
    return failed(status, error);
  }
  const matches = ROUTES.filter((route) => route.path.test(request.path));
  const route = matches.find(
    (one) => one.method === request.method || (one.method === "GET" && request.method === "HEAD"),
  );
  if (route === undefined) return matches.length > 0 ? failed(405, "method not allowed") : failed(404, "not found");
  try {
    const params = (route.path.exec(request.path) ?? []).slice(1).map(decode);
    if (!judged.may(route.right?.(params) ?? "read")) return failed(403, "the token's role does not allow this");
    if (route.local === true && !request.local) return failed(403, "only over the socket beside the store");
    const body = request.method === "POST" ? await readJson(ctx, route.maxBytes) : {};
    const answer = await route.run(
      { params, query: new URLSearchParams(ctx.querystring), body, actor: judged.actor },
      deps,
    );
    if (answer.page !== undefined) return { status: 200, document: {}, page: answer.page };
    return answer.document === undefined
      ? failed(404, "not found")
      : { status: answer.status ?? 200, document: answer.document };
  } catch (error) {
    if (error instanceof HookrailError && ASKED_WRONGLY.test(error.code)) return failed(400, error.message);
    deps.log.error("an admin request failed", { path: request.path, ...errorFields(error) });
    return failed(500, "internal error");
  }
}

function decode(param: string): string {
  try {
    return decodeURIComponent(param);
  } catch {
    return fail("HK8018", { problem: "the path is not valid percent-encoding" });
  }
}

async function readJson(
  ctx: Koa.Context,
  maxBytes: number = MAX_BODY_BYTES,
): Promise<{ readonly [key: string]: Json }> {
  const read = await readBody(ctx.req, maxBytes);
  if (read.kind !== "body") return fail("HK8018", { problem: "the body could not be read" });
  if (read.body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.from(read.body).toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as { readonly [key: string]: Json };
  } catch {
    return fail("HK8018", { problem: "the body is not JSON" });
  }
  return fail("HK8018", { problem: "the body is not a JSON object" });
}

/** A listener for the admin API; `local` for the one on the socket. */
export function createAdminListener(deps: AdminDeps, local: boolean, tls: { readonly tls?: TlsTexts } = {}): Listener {
  const handle = createAdminApp(deps, local).callback();
  return createListener({
    handler: (req, res) => void handle(req, res),
    requestId: deps.requestId,
    log: deps.log,
    limits: { maxConnections: 256 },
    ...tls,
  });
}
