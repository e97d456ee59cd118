/** OAuth 2.0 tokens for one connection (RFC 6749): got when needed, kept until shortly before they end. */
import type { Clock } from "../core/clock.ts";
import type { Json } from "../core/types.ts";
import type { AuthSpec } from "../plugin/http.schema.ts";
import type { HttpAnswer, Outcome, SinkHttp } from "../plugin/index.ts";
import { classifyFailure, classOfStatus, valuesAt } from "./classify.ts";

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
  readonly http: SinkHttp;
  readonly clock: Clock;
  readonly setting: (name: string) => string;
  readonly fill: (template: string) => Promise<string>;
}

/** Used when the answer names no lifetime (Salesforce does not); a refused token is renewed in any case. */
const DEFAULT_LIFETIME_MS = 15 * 60_000;
/** A token is renewed this long before its end, so that none ends on the way. */
const MARGIN_MS = 30_000;

/** One request for a token at a time: attempts that need it meanwhile wait for the same one. */
export function createTokenSource(spec: OAuthSpec, deps: TokenDeps): TokenSource {
  let held: { token: Token; until: number } | undefined;
  let asking: Promise<Token | NoToken> | undefined;
  const ask = async (signal: AbortSignal) => {
    const answer = await requestToken(spec, deps, signal);
    const read = readToken(spec, answer);
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

async function requestToken(spec: OAuthSpec, deps: TokenDeps, signal: AbortSignal): Promise<HttpAnswer> {
  const form = new URLSearchParams({ grant_type: spec.grant, client_id: deps.setting(spec.client_id) });
  if (spec.client_secret !== undefined) form.set("client_secret", deps.setting(spec.client_secret));
  if (spec.grant === "refresh_token" && spec.refresh_token !== undefined)
    form.set("refresh_token", deps.setting(spec.refresh_token));
  if (spec.scope !== undefined) form.set("scope", spec.scope);
  const url = await deps.fill(spec.token_url);
  const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  return deps.http.request({ method: "POST", url, headers, body: form.toString(), signal });
}

function readToken(
  spec: OAuthSpec,
  answer: HttpAnswer,
): { readonly ok: true; readonly token: Token; readonly lifetimeMs: number } | NoToken {
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
  const host = spec.host_from_token === undefined ? undefined : valuesAt(body, spec.host_from_token)[0];
  return {
    ok: true,
    token: { ok: true, token, ...(typeof host === "string" ? { host } : {}) },
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
