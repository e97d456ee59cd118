/** Who may use the admin API: no page in a browser, nobody from elsewhere, and a token where one is set. */
import { hash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../core/secret.ts";

export interface AdminGuard {
  /** Tokens that open the API over TCP; none: loopback is enough. */
  readonly tokens: readonly Secret[];
  /** Host names a request may name besides the loopback ones; others are a rebound DNS name. */
  readonly hosts: readonly string[];
}

export type AdminRefusal = { readonly status: 401 | 403 | 415; readonly error: string };

export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Came over the unix socket: who can open the file may do all. */
  readonly local: boolean;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const OPEN_PATHS = new Set(["/healthz", "/readyz"]);

/** True for addresses only this machine can reach. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Undefined when the request may go on. */
export function judgeAdmin(request: AdminRequest, guard: AdminGuard): AdminRefusal | undefined {
  if (request.local) return undefined;
  const { headers } = request;
  const host = hostName(one(headers["host"]));
  if (!LOOPBACK.has(host) && !guard.hosts.includes(host)) return { status: 403, error: "unknown host" };
  const origin = one(headers["origin"]);
  // No page may call: not one from elsewhere, and not a sandboxed one (`null`).
  if (origin !== undefined && origin !== `http://${one(headers["host"])}`)
    return { status: 403, error: "cross-origin request" };
  const site = one(headers["sec-fetch-site"]);
  if (site !== undefined && site !== "same-origin" && site !== "none")
    return { status: 403, error: "cross-origin request" };
  if (OPEN_PATHS.has(request.path)) return undefined;
  if (guard.tokens.length > 0 && !hasToken(one(headers["authorization"]), guard.tokens))
    return { status: 401, error: "a token is needed" };
  // A form or an image tag can not send this type, and a script that does is asked by CORS first, which is never granted.
  const type = one(headers["content-type"])?.split(";")[0]?.trim().toLowerCase();
  if (request.method !== "GET" && request.method !== "HEAD" && type !== "application/json")
    return { status: 415, error: "expected application/json" };
  return undefined;
}

const one = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value);

function hostName(host: string | undefined): string {
  return (host ?? "").toLowerCase().replace(/:\d+$/, "");
}

/** Compares with every token, each by digest: equal work whatever is wrong. */
function hasToken(header: string | undefined, tokens: readonly Secret[]): boolean {
  const given = digest(/^Bearer (\S+)$/i.exec(header ?? "")?.[1] ?? "");
  let found = false;
  for (const token of tokens) found = timingSafeEqual(given, digest(token.reveal())) || found;
  return found;
}

const digest = (text: string) => hash("sha256", text, "buffer");
