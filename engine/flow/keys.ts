/**
 * Keys that only the provider has (certificates, key sets), fetched before a request is verified: through the guarded
 * client, kept a while, asked for once by many, and seldom, since what is asked for is said by a request nobody has verified.
 */
import { hash, type X509Certificate } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { HttpAnswer, SinkHttp } from "../plugin/index.ts";
import type { FetchedKeys, WantedKey } from "../provider/key.ts";
import { withIssuers } from "./issuers.ts";

/** What intake asks of providers, besides waiting for what they send. */
export interface ProviderCalls {
  fetchKey(source: string, wanted: Exclude<WantedKey, { readonly kind: "learned" }>): Promise<FetchedKeys>;
  /** Calls a URL that confirms a subscription; false when it did not say yes. */
  confirm(source: string, url: string): Promise<boolean>;
}

export interface ProviderCallsDeps {
  readonly http: Pick<SinkHttp, "request">;
  readonly clock: Clock;
  /** Authorities that are believed; default: the public ones. */
  readonly roots?: readonly X509Certificate[] | undefined;
}

/** How long an answer holds, ms: a certificate's URL names that certificate, a key set may grow. */
const KEEP_CERTIFICATE_MS = 24 * 60 * 60_000;
const KEEP_KEYS_MS = 60 * 60_000;
/** A provider that says no is not asked the same again for this long, one that can not be reached a little later. */
const KEEP_REFUSAL_MS = 60_000;
const KEEP_FAILURE_MS = 5_000;
/** Answers kept at once, over all sources; the oldest goes. */
const MAX_KEPT = 256;
/** Calls of one source in a minute: an honest provider changes its key a few times a year. */
const MAX_CALLS = 20;
const WINDOW_MS = 60_000;
const MAX_URL = 1024;
const MAX_KID = 256;
/** Long before the sender's own deadline, ms. */
export const CALL_TIMEOUT_MS = 3_000;

interface Kept {
  readonly until: number;
  readonly answer: FetchedKeys;
}

const UNKNOWN: FetchedKeys = { ok: false, reason: "unknown" };
const UNREACHABLE: FetchedKeys = { ok: false, reason: "unreachable" };

export function createProviderCalls({ http, clock, roots }: ProviderCallsDeps): ProviderCalls {
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<FetchedKeys>>();
  const calls = new Map<string, number[]>();

  /** Whether the source may call now; counts the call. */
  function mayCall(source: string): boolean {
    const since = clock.now() - WINDOW_MS;
    const recent = (calls.get(source) ?? []).filter((at) => at > since);
    if (recent.length < MAX_CALLS) recent.push(clock.now());
    else return false;
    calls.set(source, recent);
    return true;
  }

  function keep(name: string, wanted: WantedKey, answer: FetchedKeys): FetchedKeys {
    const oldest = kept.size < MAX_KEPT ? undefined : kept.keys().next().value;
    if (oldest !== undefined) kept.delete(oldest);
    kept.delete(name);
    kept.set(name, { answer, until: clock.now() + termOf(wanted, answer) });
    return answer;
  }

  /** A set that does not have the key it is asked for may have got it since: it is fetched again, within the bounds. */
  function isGood(found: Kept, wanted: WantedKey): boolean {
    if (found.until <= clock.now()) return false;
    if (!found.answer.ok || wanted.kind !== "jwk" || wanted.post !== undefined || wanted.kid === undefined) return true;
    return found.answer.keys.some((text) => text.includes(JSON.stringify(wanted.kid)));
  }

  return {
    fetchKey(source, wanted) {
      if (wanted.url.length > MAX_URL || (wanted.kind === "jwk" && (wanted.kid?.length ?? 0) > MAX_KID))
        return Promise.resolve(UNKNOWN);
      // What is posted may hold a credential: only its hash is kept.
      const name = hash(
        "sha256",
        JSON.stringify([source, wanted.url, wanted.kind === "jwk" ? wanted.post : ""]),
        "hex",
      );
      const found = kept.get(name);
      if (found !== undefined && isGood(found, wanted)) return Promise.resolve(found.answer);
      const pending = underWay.get(name);
      if (pending !== undefined) return pending;
      // Not kept: a flood of invented names must not push out what is known.
      if (!mayCall(source)) return Promise.resolve(found?.answer.ok === true ? found.answer : UNREACHABLE);
      const asking = ask({ http, roots, now: clock.now() }, wanted)
        .then((answer) => keep(name, wanted, answer))
        .finally(() => underWay.delete(name));
      underWay.set(name, asking);
      return asking;
    },
    async confirm(source, url) {
      if (!mayCall(source)) return false;
      const answer = await call(http, { method: "GET", url });
      return answer.ok && answer.status >= 200 && answer.status < 300;
    },
  };
}

function termOf(wanted: WantedKey, answer: FetchedKeys): number {
  if (answer.ok) return wanted.kind === "certificate" ? KEEP_CERTIFICATE_MS : KEEP_KEYS_MS;
  return answer.reason === "unknown" ? KEEP_REFUSAL_MS : KEEP_FAILURE_MS;
}

async function ask(
  { http, ...by }: Pick<ProviderCallsDeps, "http" | "roots"> & { readonly now: number },
  wanted: Exclude<WantedKey, { readonly kind: "learned" }>,
): Promise<FetchedKeys> {
  const post = wanted.kind === "jwk" ? wanted.post : undefined;
  const answer = await call(http, {
    method: post === undefined ? "GET" : "POST",
    url: wanted.url,
    ...(post === undefined ? {} : { body: post }),
  });
  if (!answer.ok) return UNREACHABLE;
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return UNREACHABLE;
  if (answer.status !== 200 || answer.truncated) return UNKNOWN;
  const hosts = wanted.kind === "certificate" ? (wanted.issuersFrom ?? []) : [];
  const text = hosts.length === 0 ? answer.body : await withIssuers(answer.body, { http, hosts, ...by });
  return text === undefined ? UNREACHABLE : { ok: true, keys: [text] };
}

/** https only, whatever a recipe or a request says. */
async function call(
  http: ProviderCallsDeps["http"],
  { method, url, body }: { readonly method: "GET" | "POST"; readonly url: string; readonly body?: string },
): Promise<HttpAnswer> {
  const refused = (detail: string): HttpAnswer => ({ ok: false, sent: false, reason: "aborted", detail });
  if (URL.parse(url)?.protocol !== "https:") return refused("not https");
  try {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    return await http.request({
      method,
      url,
      headers: { accept: "*/*", "user-agent": "hookrail", ...json },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  } catch {
    return refused("no answer");
  }
}
