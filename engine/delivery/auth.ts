/** Puts credentials on a request, at each attempt: they are never part of what is frozen. */
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Json } from "../core/types.ts";
import type { AuthSpec } from "../plugin/http.schema.ts";
import type { Outcome, Settings, SinkHttp } from "../plugin/index.ts";
import { createTokenSource, type TokenSource } from "./oauth.ts";
import { signAws, signWebhook } from "./sign.ts";

/** A request on its way out. */
export interface Outgoing {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What signing needs to know of the attempt. */
export interface AuthContext {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly traceparent?: string;
}

export type Authenticated =
  | { readonly ok: true; readonly request: Outgoing }
  | { readonly ok: false; readonly outcome: Outcome };

export interface Authenticator {
  /** The base URL when the credentials name it: a secret URL, or a host from a token answer. */
  host(
    context: AuthContext,
  ): Promise<{ readonly ok: true; readonly url?: string } | { readonly ok: false; readonly outcome: Outcome }>;
  authenticate(request: Outgoing, context: AuthContext): Promise<Authenticated>;
  /** The sink no longer takes the token. True when a new one can be had. */
  refresh(): boolean;
}

export interface AuthDeps {
  readonly connection: string;
  readonly settings: Settings;
  readonly http: SinkHttp;
  readonly clock: Clock;
  /** Fills a template over the settings: for token endpoints. */
  readonly fill: (template: string) => Promise<string>;
}

/** The authenticator of a connection. */
export function createAuthenticator(spec: AuthSpec | undefined, deps: AuthDeps): Authenticator {
  const setting = (name: string) => credential(deps, name);
  const tokens =
    spec?.kind === "oauth2"
      ? createTokenSource(spec, { ...deps, setting, has: (name) => deps.settings[name] !== undefined })
      : undefined;
  return {
    async host(context) {
      if (spec?.kind === "url") return { ok: true, url: setting(spec.url) };
      if (spec?.kind !== "oauth2" || spec.host_from_token === undefined || tokens === undefined) return { ok: true };
      const token = await tokens.get(context.signal);
      return token.ok ? { ok: true, ...(token.host === undefined ? {} : { url: token.host }) } : token;
    },
    authenticate: async (request, context) =>
      withCredentials(spec ?? { kind: "none" }, request, { ...deps, ...context, setting, tokens }),
    refresh: () => tokens?.forget() ?? false,
  };
}

interface Applying extends AuthContext {
  readonly connection: string;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly tokens: TokenSource | undefined;
  setting(name: string): string;
}

async function withCredentials(spec: AuthSpec, request: Outgoing, deps: Applying): Promise<Authenticated> {
  const { setting } = deps;
  switch (spec.kind) {
    case "none":
    case "url":
      return { ok: true, request };
    case "basic": {
      const pair = `${setting(spec.user)}:${spec.password === undefined ? "" : setting(spec.password)}`;
      return withHeader(request, "authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
    }
    case "bearer":
      return withHeader(request, "authorization", `Bearer ${setting(spec.token)}`);
    case "header":
      return withHeader(request, spec.header.toLowerCase(), `${spec.prefix ?? ""}${setting(spec.value)}`);
    case "body_field":
      return { ok: true, request: { ...request, body: withField(request.body, spec.field, setting(spec.value)) } };
    case "oauth2": {
      const token = await deps.tokens?.get(deps.signal);
      if (token === undefined) return fail("HK9001", { what: "token source", value: "none" });
      return token.ok ? withHeader(request, "authorization", `${spec.prefix ?? "Bearer "}${token.token}`) : token;
    }
    case "query":
      return {
        ok: true,
        request: { ...request, url: withParameter(request.url, spec.parameter, setting(spec.value)) },
      };
    case "hmac": {
      const previous = spec.previous_secret;
      const names = [spec.secret, ...(previous !== undefined && previous in deps.settings ? [previous] : [])];
      return {
        ok: true,
        request: signWebhook(spec, request, { ...deps, now: deps.clock.now(), secrets: names.map(setting) }),
      };
    }
    case "sigv4": {
      const token = spec.session_token;
      const credentials = {
        accessKeyId: setting(spec.access_key),
        secretAccessKey: setting(spec.secret_key),
        region: setting(spec.region),
        service: spec.service,
        ...(token !== undefined && token in deps.settings ? { sessionToken: setting(token) } : {}),
      };
      return { ok: true, request: await signAws(request, credentials, deps.clock.now()) };
    }
  }
}

function withParameter(url: string, name: string, value: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set(name, value);
  return parsed.toString();
}

function withHeader(request: Outgoing, name: string, value: string): Authenticated {
  return { ok: true, request: { ...request, headers: { ...request.headers, [name]: value } } };
}

function withField(body: string | undefined, path: string, value: string): string {
  const parsed: Json = JSON.parse(body ?? "{}");
  return JSON.stringify(setPath(parsed, path.split("."), value));
}

function setPath(target: Json, path: readonly string[], value: string): Json {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  const members = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const inner = Object.entries(members).find(([key]) => key === head)?.[1] ?? {};
  return { ...members, [head]: setPath(inner, rest, value) };
}

function credential({ connection, settings }: AuthDeps, name: string): string {
  const value = settings[name];
  const text = value instanceof Secret ? value.reveal() : value;
  return typeof text === "string" && text !== "" ? text : fail("HK5008", { connection, setting: name });
}
