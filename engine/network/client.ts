/**
 * The HTTP client of sinks: guarded addresses, no redirects, bounded time and bounded answers. It knows whether a
 * request can have reached the sink, which is what decides between "try again" and "nobody knows".
 */
import { isIP } from "node:net";
import { Pool } from "undici";
import type { HttpAnswer, SinkHttp } from "../plugin/index.ts";
import { judgeAddress } from "./address.ts";
import { exchange } from "./exchange.ts";
import { guardedLookup, type ResolveAll, resolveWithSystem } from "./lookup.ts";

/** Limits of one client; times in ms. */
export interface SinkHttpOptions {
  /** Private and loopback addresses may be reached. */
  readonly allowPrivate?: boolean;
  /** Sockets to one origin. */
  readonly connections?: number;
  readonly connectTimeoutMs?: number;
  /** From the call to the last byte of the answer. */
  readonly totalTimeoutMs?: number;
  /** Between two pieces of an answer. */
  readonly idleTimeoutMs?: number;
  /** Most of an answer's body that is kept, after inflation. */
  readonly maxBytes?: number;
  readonly resolve?: ResolveAll;
  /** Extra trusted certificate authorities, PEM. */
  readonly ca?: string;
}

/** A client that can be closed. */
export interface GuardedHttp extends SinkHttp {
  close(): Promise<void>;
}

/** Origins a connection may talk to at one time (a token endpoint and a few hosts); the oldest pool is closed. */
const MAX_POOLS = 16;
const MAX_BYTES = 64 * 1024;

/** A client for one connection. Its pools live until `close`. */
export function createSinkHttp(options: SinkHttpOptions = {}): GuardedHttp {
  const pools = new Map<string, Pool>();
  const limits = {
    totalMs: options.totalTimeoutMs ?? 30_000,
    idleMs: options.idleTimeoutMs ?? 10_000,
    maxBytes: options.maxBytes ?? MAX_BYTES,
  };
  const poolFor = (origin: string): Pool => {
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const oldest = pools.size < MAX_POOLS ? undefined : pools.entries().next().value;
    if (oldest !== undefined) {
      pools.delete(oldest[0]);
      void oldest[1].close();
    }
    const pool = newPool(origin, options);
    pools.set(origin, pool);
    return pool;
  };
  return {
    async request(request) {
      const target = readUrl(request.url, options.allowPrivate === true);
      if (!target.ok) return target.answer;
      const badHeader = Object.entries(request.headers).find(
        ([name, value]) => !TOKEN.test(name) || BAD_VALUE.test(value),
      );
      if (badHeader !== undefined)
        return refused(`header ${TOKEN.test(badHeader[0]) ? badHeader[0] : "name"} is not allowed`, "aborted");
      return exchange(
        poolFor(target.url.origin),
        { ...request, path: `${target.url.pathname}${target.url.search}` },
        { ...limits, maxBytes: request.maxBytes ?? limits.maxBytes, binary: request.binary === true },
      );
    },
    async close() {
      const closing = [...pools.values()].map((pool) => pool.destroy());
      pools.clear();
      await Promise.all(closing);
    },
  };
}

// RFC 9110, sections 5.6.2 and 5.5: a token, and one line of Latin-1.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const refused = (detail: string, reason: "refused_address" | "aborted"): HttpAnswer => ({
  ok: false,
  sent: false,
  reason,
  detail,
});

type Target = { readonly ok: true; readonly url: URL } | { readonly ok: false; readonly answer: HttpAnswer };

/** URL parsing makes plain addresses of the decimal, octal and hex spellings, so that a literal is judged as it is. */
function readUrl(text: string, allowPrivate: boolean): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return { ok: false, answer: refused("not an http or https URL", "refused_address") };
  }
  if (url.username !== "" || url.password !== "") {
    return { ok: false, answer: refused("credentials in the URL are not sent; use `auth`", "refused_address") };
  }
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  const verdict = isIP(literal) === 0 ? ({ ok: true } as const) : judgeAddress(literal, allowPrivate);
  return verdict.ok
    ? { ok: true, url }
    : { ok: false, answer: refused(`address refused: ${verdict.range}`, "refused_address") };
}

function newPool(origin: string, options: SinkHttpOptions): Pool {
  const lookup = guardedLookup({
    allowPrivate: options.allowPrivate === true,
    resolve: options.resolve ?? resolveWithSystem,
  });
  return new Pool(origin, {
    connections: options.connections ?? 16,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 60_000,
    // Bodies are bounded and timed in exchange.ts, which knows the whole attempt.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: 32 * 1024,
    connect: {
      timeout: options.connectTimeoutMs ?? 10_000,
      lookup,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
  });
}
