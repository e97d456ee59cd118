/** Who may use the admin API, and for what: no page in a browser, nobody from elsewhere, a token where one is set. */
import { hash, timingSafeEqual } from "node:crypto";
import type { AdminModel, AdminToken } from "../config/revision.ts";

export interface AdminGuard extends Pick<AdminModel, "allowedHosts" | "tokens" | "roles"> {
  readonly now: () => number;
}

/** What a route asks for. */
export type Right = "read" | "pause" | "retry" | "discard" | "seed" | "erase" | "reload" | "secrets";

export type AdminJudgement =
  | { readonly ok: true; readonly actor: string; readonly may: (right: Right) => boolean }
  | { readonly ok: false; readonly status: 401 | 403 | 415; readonly error: string };

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Came over the unix socket: who can open the file may do all. */
  readonly local: boolean;
}

const ALL: readonly Right[] = ["read", "pause", "retry", "discard"];
const ADMIN: readonly Right[] = [...ALL, "seed", "erase", "reload", "secrets"];
const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = { viewer: ["read"], operator: ALL, admin: ADMIN };
const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const OPEN_PATHS = new Set(["/healthz", "/readyz"]);
const ANYTHING = () => true;

/** True for addresses only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Whether the request may go on, as whom, and what it may do. */
export function judgeAdmin(request: AdminRequest, guard: AdminGuard): AdminJudgement {
  const { headers } = request;
  const named = one(headers["x-hookrail-actor"]);
  if (request.local) return { ok: true, actor: named?.slice(0, 100) ?? "local", may: ANYTHING };
  const host = hostName(one(headers["host"]));
  // A name that is none of ours has been rebound to this address by someone's DNS.
  if (!LOOPBACK.has(host) && !guard.allowedHosts.includes(host))
    return { ok: false, status: 403, error: "unknown host" };
  if (!isOwnPage(headers)) return { ok: false, status: 403, error: "cross-origin request" };
  if (OPEN_PATHS.has(request.path)) return { ok: true, actor: "", may: ANYTHING };
  // A form or an image tag can not send this type, and a script that does is asked by CORS first, which is never granted.
  const type = one(headers["content-type"])?.split(";")[0]?.trim().toLowerCase();
  if (request.method !== "GET" && request.method !== "HEAD" && type !== "application/json")
    return { ok: false, status: 415, error: "expected application/json" };
  if (guard.tokens.length === 0) return { ok: true, actor: "admin-api", may: ANYTHING };
  const token = findToken(one(headers["authorization"]), guard);
  if (token === undefined) return { ok: false, status: 401, error: "a token is needed" };
  const rights = guard.roles.get(token.role) ?? BUILT_IN_ROLES[token.role] ?? [];
  return { ok: true, actor: token.name, may: (right) => rights.includes(right) };
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function hostName(host: string | undefined): string {
  return (host ?? "").toLowerCase().replace(/:\d+$/, "");
}

/** No page may call that was not served from here: not one from elsewhere, and not a sandboxed one (`null`). */
function isOwnPage(headers: AdminRequest["headers"]): boolean {
  const origin = one(headers["origin"]);
  if (
    origin !== undefined &&
    origin !== `http://${one(headers["host"])}` &&
    origin !== `https://${one(headers["host"])}`
  )
    return false;
  const site = one(headers["sec-fetch-site"]);
  return site === undefined || site === "same-origin" || site === "none";
}

/** Compares with every token, each by digest: equal work whatever is wrong. */
function findToken(header: string | undefined, { tokens, now }: AdminGuard): AdminToken | undefined {
  const given = digest(/^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? "");
  let found: AdminToken | undefined;
  for (const token of tokens) {
    const equal = timingSafeEqual(given, digest(token.token.reveal()));
    if (equal && (token.until === undefined || now() < token.until)) found = token;
  }
  return found;
}

const digest = (text: string) => hash("sha256", text, "buffer");
