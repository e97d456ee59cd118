/** Who may use the admin API, and for what: no page of another site, nobody from elsewhere, a token where one is set. */
import { hash, timingSafeEqual } from "node:crypto";
import type { AdminModel, AdminToken } from "../config/revision.ts";
import type { Guesses, Sessions } from "./admin-access.ts";

export interface AdminGuard extends Pick<AdminModel, "allowedHosts" | "tokens" | "roles"> {
  readonly now: () => number;
  /** Others can reach the port, so nobody is let in while no token is declared. */
  readonly exposed?: boolean;
}

/** What the listener remembers between requests. */
export interface AdminMemory {
  readonly sessions: Sessions;
  readonly guesses: Guesses;
}

/** What a route asks for; `nothing`: it is open to whoever may reach the port. */
export type Right =
  | "nothing"
  | "read"
  | "read_sensitive"
  | "pause"
  | "retry"
  | "discard"
  | "replay"
  | "edit"
  | "plan"
  | "seed"
  | "erase"
  | "reload"
  | "secrets";

export type AdminJudgement =
  | { readonly ok: true; readonly actor: string; readonly role: string; readonly may: (right: Right) => boolean }
  | {
      readonly ok: false;
      readonly status: 401 | 403 | 415 | 429;
      readonly error: string;
      /** Seconds. */
      readonly retryAfter?: number;
    };

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Came over the unix socket: who can open the file may do all. */
  readonly local: boolean;
  /** The sender's address. */
  readonly remote?: string;
  /** The route is open to whoever may reach the port. */
  readonly open?: boolean;
}

/** The browser's half of a session. */
export const SESSION_COOKIE = "hookrail_session";

const OPERATOR: readonly Right[] = ["read", "pause", "retry", "discard", "replay", "edit"];
export const ALL_RIGHTS: readonly Right[] = [
  ...OPERATOR,
  "read_sensitive",
  "plan",
  "seed",
  "erase",
  "reload",
  "secrets",
];
export const BUILT_IN_ROLES: Readonly<Record<string, readonly Right[]>> = {
  viewer: ["read"],
  operator: OPERATOR,
  // For a CI machine: it sees of the events only what a plan shows.
  planner: ["plan"],
  admin: ALL_RIGHTS,
};
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const ANYTHING = () => true;

/** True for addresses only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Whether the request may go on, as whom, and what it may do. */
export function judgeAdmin(request: AdminRequest, guard: AdminGuard, memory?: AdminMemory): AdminJudgement {
  const { headers } = request;
  const named = one(headers["x-hookrail-actor"]);
  if (request.local) return { ok: true, actor: named?.slice(0, 100) ?? "local", role: "admin", may: ANYTHING };
  const host = hostName(one(headers["host"]));
  // A name that is none of ours has been rebound to this address by someone's DNS.
  if (!LOOPBACK.has(host) && !guard.allowedHosts.includes(host))
    return { ok: false, status: 403, error: "unknown host" };
  if (!isOwnPage(request)) return { ok: false, status: 403, error: "cross-origin request" };
  // A form or an image tag can not send this type, and a script that does is asked by CORS first, which is never granted.
  const type = one(headers["content-type"])?.split(";")[0]?.trim().toLowerCase();
  if (request.method !== "GET" && request.method !== "HEAD" && type !== "application/json")
    return { ok: false, status: 415, error: "expected application/json" };
  if (request.open === true) return { ok: true, actor: "", role: "", may: (right) => right === "nothing" };
  if (guard.tokens.length === 0 && guard.exposed !== true)
    return { ok: true, actor: "admin-api", role: "admin", may: ANYTHING };
  return judgeToken(request, guard, memory);
}

function judgeToken({ headers, remote = "" }: AdminRequest, guard: AdminGuard, memory?: AdminMemory): AdminJudgement {
  const given = /^Bearer (\S+)$/i.exec(one(headers["authorization"]) ?? "")?.[1];
  if (given === undefined) {
    const value = sessionOf(headers);
    const session = value === undefined ? undefined : memory?.sessions.find(value, guard.now());
    const token = guard.tokens.find((one) => one.sha256 === session?.sha256 && isInTime(one, guard));
    if (token === undefined) return { ok: false, status: 401, error: "a token is needed" };
    return allowed(token, guard);
  }
  const judged = guessedToken(given, { guard, remote, ...(memory !== undefined && { memory }) });
  return judged.ok ? allowed(judged.token, guard) : judged;
}

function allowed(token: AdminToken, guard: AdminGuard): AdminJudgement {
  const rights: readonly string[] = guard.roles.get(token.role) ?? BUILT_IN_ROLES[token.role] ?? [];
  return {
    ok: true,
    actor: token.name,
    role: token.role,
    may: (right) => right === "nothing" || rights.includes(right),
  };
}

/** So long is no token that a person has thought of: nobody finds one by guessing. */
const WHOLE_TOKEN = 40;

/**
 * Finds a token, and counts wrong ones: after ten from one place none is looked at for a while, right or wrong. A right one
 * that nobody can guess is let in all the same, or one stranger behind the same proxy would keep everybody out.
 */
export function guessedToken(
  given: string,
  { guard, memory, remote }: { readonly guard: AdminGuard; readonly memory?: AdminMemory; readonly remote: string },
): { readonly ok: true; readonly token: AdminToken } | Extract<AdminJudgement, { readonly ok: false }> {
  const now = guard.now();
  const wait = memory?.guesses.wait(remote, now) ?? 0;
  const token = findToken(given, guard);
  if (wait > 0 && (token === undefined || given.length < WHOLE_TOKEN))
    return { ok: false, status: 429, error: "too many wrong tokens", retryAfter: wait };
  if (token !== undefined) return { ok: true, token };
  memory?.guesses.wrong(remote, now);
  return { ok: false, status: 401, error: "the token is not known, or has ended" };
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

/** The session's half that the browser holds. */
export function sessionOf(headers: AdminRequest["headers"]): string | undefined {
  const cookies = (one(headers["cookie"]) ?? "").split(";").map((cookie) => cookie.trim().split("="));
  return cookies.find(([name]) => name === SESSION_COOKIE)?.[1];
}

function hostName(host: string | undefined): string {
  return (host ?? "").toLowerCase().replace(/:\d+$/, "");
}

/**
 * No page may call that was not served from here: not one from elsewhere, and not a sandboxed one (`null`). A link in a
 * message or another page may open what is open to all, which is the dashboard's own page.
 */
function isOwnPage({ method, headers, open }: AdminRequest): boolean {
  const origin = one(headers["origin"]);
  if (
    origin !== undefined &&
    origin !== `http://${one(headers["host"])}` &&
    origin !== `https://${one(headers["host"])}`
  )
    return false;
  const site = one(headers["sec-fetch-site"]);
  if (site === undefined || site === "same-origin" || site === "none") return true;
  return open === true && method === "GET" && one(headers["sec-fetch-mode"]) === "navigate";
}

const isInTime = (token: AdminToken, { now }: AdminGuard) => token.until === undefined || now() < token.until;

/** Compares with every token, each by digest: equal work whatever is wrong. */
function findToken(given: string, guard: AdminGuard): AdminToken | undefined {
  const digest = hash("sha256", given, "buffer");
  let found: AdminToken | undefined;
  for (const token of guard.tokens) {
    const expected = Buffer.from(token.sha256, "hex");
    const equal = expected.length === digest.length && timingSafeEqual(digest, expected);
    if (equal && isInTime(token, guard)) found = token;
  }
  return found;
}
