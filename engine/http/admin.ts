/** The admin API: what is stored, how the engine is, and the few things a person may do. JSON only, no CORS. */
import type { Readable } from "node:stream";
import Koa from "koa";
import { fail, HookrailError } from "../core/errors.ts";
import { errorFields, type Log } from "../core/log.ts";
import type { Json } from "../core/types.ts";
import { createGuesses, createSessions } from "./admin-access.ts";
import { ALERT_ROUTES, type AlertsDeps } from "./admin-alerts.ts";
import { DEAD_ROUTES, type DeadDeps } from "./admin-dead.ts";
import { DEAD_EDIT_ROUTES, type DeadEditDeps } from "./admin-dead-edit.ts";
import { EVENT_ROUTES, type EventsDeps } from "./admin-events.ts";
import { type AdminGuard, type AdminMemory, type AdminRequest, judgeAdmin } from "./admin-guard.ts";
import { LIFE_ROUTES, type LifeDeps } from "./admin-life.ts";
import { LIVE_ROUTES, type LiveDeps } from "./admin-live.ts";
import { openApiDocument } from "./admin-openapi.ts";
import { OVERVIEW_ROUTES, type OverviewDeps } from "./admin-overview.ts";
import { PLAN_ROUTES, type PlanDeps } from "./admin-plan.ts";
import { RELOAD_ROUTES, type ReloadDeps } from "./admin-reload.ts";
import { REPLAY_ROUTES, type ReplayDeps } from "./admin-replay.ts";
import { createRouter, type Match, type Page, type Route } from "./admin-route.ts";
import { SESSION_ROUTES, type SessionDeps } from "./admin-session.ts";
import { STATUS_ROUTES, type StatusDeps } from "./admin-status.ts";
import { readBody } from "./body.ts";
import type { ReadRemote } from "./remote.ts";
import { createListener, type Listener, type TlsTexts } from "./server.ts";
import { UI_ROUTES } from "./ui.ts";

export interface AdminDeps
  extends ReplayDeps,
    LifeDeps,
    ReloadDeps,
    EventsDeps,
    DeadDeps,
    DeadEditDeps,
    StatusDeps,
    LiveDeps,
    OverviewDeps,
    PlanDeps,
    AlertsDeps {
  /** Read for each request: tokens and roles follow a reload. */
  readonly guard: AdminGuard;
  readonly log: Log;
  readonly requestId: () => string;
  /** Random bytes, hex. */
  readonly randomHex: (bytes: number) => string;
  /** Who is behind a proxy. Default: the peer. */
  readonly readRemote?: ReadRemote;
}

type AllDeps = AdminDeps & SessionDeps;

const MAX_BODY_BYTES = 64 * 1024;
/** Faults of the one who asks; all others are the engine's. */
const ASKED_WRONGLY = /^HK8(0(18|[5-7]\d|90)|20[0-2]|25[1-4])$/;

const OPENAPI: Route<StatusDeps> = {
  id: "openapi",
  summary: "This document",
  method: "GET",
  path: "/api/v1/openapi.json",
  right: "read",
  answer: "application/json",
  run: (_call, { status }) => {
    const document = openApiDocument(ADMIN_ROUTES, status().version);
    return { document: undefined, page: { type: "application/json; charset=utf-8", text: JSON.stringify(document) } };
  },
};

/** The whole API, in the order of its page. */
export const ADMIN_ROUTES: readonly Route<AllDeps>[] = [
  ...STATUS_ROUTES,
  ...OVERVIEW_ROUTES,
  ...EVENT_ROUTES,
  ...DEAD_ROUTES,
  ...DEAD_EDIT_ROUTES,
  ...ALERT_ROUTES,
  ...LIVE_ROUTES,
  ...REPLAY_ROUTES,
  ...PLAN_ROUTES,
  ...RELOAD_ROUTES,
  ...LIFE_ROUTES,
  ...SESSION_ROUTES,
  OPENAPI,
];

const find = createRouter<AllDeps>([...ADMIN_ROUTES, ...UI_ROUTES]);

/** The admin API as a Koa app. `local`: served on the socket, whose file mode is the guard. */
export function createAdminApp(deps: AdminDeps, { local, secure = false }: { local: boolean; secure?: boolean }): Koa {
  const app = new Koa();
  app.silent = true;
  const memory: AdminMemory = { sessions: createSessions(), guesses: createGuesses() };
  // A getter of `deps` has to be asked anew for each request.
  const all: AllDeps = Object.defineProperties({ memory, secure }, Object.getOwnPropertyDescriptors(deps)) as AllDeps;
  app.use(async (ctx) => {
    const { method, path } = ctx;
    const remote = local ? "" : remoteOf(ctx, deps);
    const answer = await answerAdmin(ctx, all, { method, path, headers: ctx.headers, local, remote });
    ctx.set({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      ...answer.headers,
    });
    ctx.status = answer.status;
    if (answer.stream !== undefined) {
      ctx.set("content-type", "text/event-stream; charset=utf-8");
      ctx.body = answer.stream;
      return;
    }
    const document = { format_version: "1.0", ...answer.document };
    const { type, text } = answer.page ?? { type: "application/json; charset=utf-8", text: JSON.stringify(document) };
    ctx.set("content-type", type);
    ctx.body = text;
  });
  return app;
}

function remoteOf(ctx: Koa.Context, { readRemote = (peer) => peer }: AdminDeps): string {
  return readRemote(ctx.req.socket.remoteAddress ?? "", ctx.get("x-forwarded-for") || undefined);
}

interface Reply {
  readonly status: number;
  readonly document: object;
  readonly page?: Page;
  readonly stream?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

async function answerAdmin(ctx: Koa.Context, deps: AllDeps, asked: AdminRequest): Promise<Reply> {
  const failed = (status: number, error: string): Reply => ({
    status,
    document: { error, request_id: deps.requestId() },
  });
  const matches = find(asked.path);
  const match = matches.find(
    ({ route }) => route.method === asked.method || (route.method === "GET" && asked.method === "HEAD"),
  );
  const request = { ...asked, open: match?.route.right === "nothing" };
  const judged = judgeAdmin(request, deps.guard, deps.memory);
  if (!judged.ok) {
    const { status, error, retryAfter } = judged;
    deps.log.repeating("warn", `admin refused: ${error}`, "an admin request was refused", {
      reason: error,
      method: request.method,
      remote: request.remote,
    });
    const headers = {
      ...(status === 401 && { "www-authenticate": "Bearer" }),
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    };
    return { ...failed(status, error), headers };
  }
  if (match === undefined) return matches.length > 0 ? failed(405, "method not allowed") : failed(404, "not found");
  const { route } = match;
  if (!judged.may(route.right)) return failed(403, "the token's role does not allow this");
  if (route.local === true && !request.local) return failed(403, "only over the socket beside the store");
  try {
    return await runRoute(ctx, match, { deps, request, judged, failed });
  } catch (error) {
    if (error instanceof HookrailError && ASKED_WRONGLY.test(error.code)) return failed(400, error.message);
    deps.log.error("an admin request failed", { path: request.path, ...errorFields(error) });
    return failed(500, "internal error");
  }
}

interface Running {
  readonly deps: AllDeps;
  readonly request: AdminRequest;
  readonly judged: Extract<ReturnType<typeof judgeAdmin>, { readonly ok: true }>;
  readonly failed: (status: number, error: string) => Reply;
}

async function runRoute(
  ctx: Koa.Context,
  { route, params }: Match<AllDeps>,
  { deps, request, judged, failed }: Running,
): Promise<Reply> {
  const call = {
    params: params.map(decode),
    query: new URLSearchParams(ctx.querystring),
    body: request.method === "POST" ? await readJson(ctx, route.maxBytes) : {},
    actor: judged.actor,
    role: judged.role,
    may: judged.may,
    request,
    stillMay: () => {
      const now = judgeAdmin(request, deps.guard, deps.memory);
      return now.ok && now.may(route.right);
    },
  };
  const { document, page, stream, status = 200, headers = {} } = await route.run(call, deps);
  if (stream !== undefined) return { status, document: {}, stream, headers };
  if (page !== undefined) return { status, document: {}, page, headers };
  if (document === undefined) return failed(404, "not found");
  return {
    status,
    document: status >= 400 && status !== 503 ? { ...document, request_id: deps.requestId() } : document,
    headers,
  };
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
  if (read.kind !== "body") {
    // What is left of it would be taken for the next request, and keep that one waiting.
    ctx.set("connection", "close");
    ctx.req.resume();
    const isLarge = read.kind === "refused" && read.refusal === "too_large";
    return fail("HK8018", {
      problem: isLarge ? `the body has more than ${maxBytes} bytes` : "the body could not be read",
    });
  }
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
  const handle = createAdminApp(deps, { local, secure: tls.tls !== undefined }).callback();
  return createListener({
    handler: (req, res) => void handle(req, res),
    requestId: deps.requestId,
    log: deps.log,
    limits: { maxConnections: 256 },
    ...tls,
  });
}
