/** OAuth 2.0 tokens for one connection (RFC 6749): got when needed, kept until shortly before they end. */
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import type { AuthSpec } from "../plugin/http.schema.ts";
import type { HttpAnswer, Outcome, SinkHttp } from "../plugin/index.ts";
import { signAssertion } from "./assertion.ts";
import { classifyFailure, classOfStatus } from "./classify.ts";
import { valuesAt } from "./positions.ts";

type OAuthSpec = Extract<AuthSpec, { kind: "oauth2" }>;
type Token = { readonly ok: true; readonly token: string; readonly host?: string };
type NoToken = { readonly ok: false; readonly outcome: Outcome };

/** Tokens of one connection. */
export interface TokenSource {
  get(signal: AbortSignal): Promise<Token | NoToken>;
  /** The sink refused the token in use: the next `get` asks for a new one. */
  forget(): boolean;
}

export interface TokenDeps {
  readonly connection: string;
  readonly http: SinkHttp;
  readonly clock: Clock;
  readonly setting: (name: string) => string;
  /** Whether the connection gives this setting. */
  readonly has: (name: string) => boolean;
  readonly fill: (template: string) => Promise<string>;
}

/** Used when the answer names no lifetime (Salesforce does not); a refused token is renewed in any case. */
const DEFAULT_LIFETIME_MS = 15 * 60_000;
/** A token is renewed this long before its end, so that none ends on the way. */
const MARGIN_MS = 30_000;

interface TokenRequest {
  readonly signal: AbortSignal;
  /** The one that the last answer brought, where the server changes it with each use. */
  readonly refreshToken: string | undefined;
}

/** One request for a token at a time: attempts that need it meanwhile wait for the same one. */
export function createTokenSource(spec: OAuthSpec, deps: TokenDeps): TokenSource {
  let held: { token: Token; until: number } | undefined;
  let asking: Promise<Token | NoToken> | undefined;
  let refreshToken: string | undefined;
  const ask = async (signal: AbortSignal) => {
    const answer = await requestToken(spec, deps, { signal, refreshToken });
    const read = readToken(spec, answer);
    if (read.ok) refreshToken = read.refreshToken ?? refreshToken;
    if (read.ok) held = { token: read.token, until: deps.clock.now() + Math.max(read.lifetimeMs - MARGIN_MS, 1000) };
    return read.ok ? read.token : read;
  };
  return {
    async get(signal) {
      if (held !== undefined && deps.clock.now() < held.until) return held.token;
      asking ??= ask(signal).finally(() => {
        asking = undefined;
      });
      return asking;
    },
    forget() {
      held = undefined;
      return true;
    },
  };
}

async function requestToken(spec: OAuthSpec, deps: TokenDeps, request: TokenRequest): Promise<HttpAnswer> {
  const form = new URLSearchParams({ grant_type: GRANTS[spec.grant] });
  const headers: Record<string, string> = {
    "content-type": "application/x-www-form-urlencoded",
    accept: "application/json",
  };
  const id = spec.client_id === undefined ? undefined : deps.setting(spec.client_id);
  const secret = spec.client_secret === undefined ? undefined : deps.setting(spec.client_secret);
  if (spec.client_auth === "basic" && id !== undefined) headers["authorization"] = basic(id, secret ?? "");
  else {
    if (id !== undefined) form.set("client_id", id);
    if (secret !== undefined) form.set("client_secret", secret);
  }
  if (spec.grant === "refresh_token" && spec.refresh_token !== undefined)
    form.set("refresh_token", request.refreshToken ?? deps.setting(spec.refresh_token));
  if (spec.grant === "jwt_bearer") form.set("assertion", await assertionOf(spec, deps));
  if (spec.scope !== undefined && spec.jwt?.scope_claim !== true) form.set("scope", await deps.fill(spec.scope));
  for (const [name, template] of Object.entries(spec.params ?? {})) form.set(name, await deps.fill(template));
  const url = await deps.fill(spec.token_url);
  return deps.http.request({ method: "POST", url, headers, body: form.toString(), signal: request.signal });
}

const GRANTS = {
  client_credentials: "client_credentials",
  refresh_token: "refresh_token",
  jwt_bearer: "urn:ietf:params:oauth:grant-type:jwt-bearer",
} as const;

/** RFC 6749, section 2.3.1: both are form-encoded first. */
function basic(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll("%20", "+");
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

async function assertionOf({ jwt, scope }: OAuthSpec, deps: TokenDeps): Promise<string> {
  if (jwt === undefined) return fail("HK9001", { what: "grant jwt_bearer", value: "without jwt" });
  const issuer = deps.setting(jwt.issuer);
  return signAssertion({
    connection: deps.connection,
    privateKey: deps.setting(jwt.private_key),
    issuer,
    subject: jwt.subject !== undefined && deps.has(jwt.subject) ? deps.setting(jwt.subject) : issuer,
    audience: await deps.fill(jwt.audience),
    ...(jwt.key_id !== undefined && deps.has(jwt.key_id) ? { keyId: deps.setting(jwt.key_id) } : {}),
    ...(jwt.scope_claim === true && scope !== undefined ? { scope: await deps.fill(scope) } : {}),
    now: deps.clock.now(),
  });
}

function readToken(
  spec: OAuthSpec,
  answer: HttpAnswer,
): { readonly ok: true; readonly token: Token; readonly lifetimeMs: number; readonly refreshToken?: string } | NoToken {
  if (!answer.ok) {
    // Asking for a token changes nothing at the sink, so even a lost answer is safe to repeat.
    const failure = classifyFailure(answer);
    return {
      ok: false,
      outcome: failure.kind === "unknown" ? { kind: "retry", detail: `token: ${failure.detail}` } : failure,
    };
  }
  const detail = `token endpoint: status ${answer.status}`;
  const kind = classOfStatus(answer.status);
  if (kind === "retry" || kind === "throttle")
    return { ok: false, outcome: { kind: "retry", status: answer.status, detail } };
  const body = kind === "delivered" ? parse(answer.body) : undefined;
  const token = valuesAt(body, "access_token")[0];
  if (typeof token !== "string" || token === "")
    return { ok: false, outcome: { kind: "pause", status: answer.status, detail } };
  const lifetime = Number(valuesAt(body, "expires_in")[0] ?? Number.NaN);
  const next = valuesAt(body, "refresh_token")[0];
  const host = spec.host_from_token === undefined ? undefined : valuesAt(body, spec.host_from_token)[0];
  return {
    ok: true,
    token: { ok: true, token, ...(typeof host === "string" ? { host } : {}) },
    ...(typeof next === "string" && next !== "" ? { refreshToken: next } : {}),
    lifetimeMs: Number.isFinite(lifetime) && lifetime > 0 ? lifetime * 1000 : DEFAULT_LIFETIME_MS,
  };
}

function parse(text: string): Json | undefined {
  try {
    const parsed: Json = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}
