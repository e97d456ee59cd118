/** One request over a pool, as an answer value: what came back, or why nothing did and whether it was sent. */
import { constants, createBrotliDecompress, createGunzip, createInflate, type Gunzip } from "node:zlib";
import type { Dispatcher } from "undici";
import type { HttpAnswer } from "../plugin/index.ts";
import { RefusedAddress } from "./lookup.ts";

export interface ExchangeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

export interface ExchangeLimits {
  readonly totalMs: number;
  readonly idleMs: number;
  readonly maxBytes: number;
}

type Failure = Extract<HttpAnswer, { ok: false }>;
type Controller = Dispatcher.DispatchController;

/**
 * The request counts as sent from the moment undici is about to write it (`onRequestStart`): before that, no byte
 * of it can have left; after that, every failure is an unknown outcome, unless a whole answer came.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  limits: ExchangeLimits,
): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    let controller: Controller | undefined;
    let sent = false;
    let done = false;
    let status = 0;
    let headers: Record<string, string> = {};
    let collector: Collector | undefined;
    let idle: NodeJS.Timeout | undefined;
    const finish = (answer: HttpAnswer) => {
      if (done) return;
      done = true;
      clearTimeout(total);
      clearTimeout(idle);
      request.signal.removeEventListener("abort", onAbort);
      resolve(answer);
    };
    const stop = (reason: Failure["reason"], detail: string) => {
      finish({ ok: false, sent, reason, detail });
      controller?.abort(new Error(detail));
    };
    /** A status that came is an answer, even if its body never ends: what the sink did is known. */
    const cut = () => {
      const body = collector?.text() ?? "";
      finish({ ok: true, status, headers, body, truncated: true });
      controller?.abort(new Error("the rest of the answer is not read"));
    };
    const onAbort = () => (status === 0 ? stop("timeout", "gave up waiting for an answer") : cut());
    const total = setTimeout(onAbort, limits.totalMs);
    const awaken = () => {
      clearTimeout(idle);
      idle = setTimeout(onAbort, limits.idleMs);
    };
    if (request.signal.aborted) return stop("aborted", "cancelled before it was sent");
    request.signal.addEventListener("abort", onAbort, { once: true });
    dispatcher.dispatch(dispatchOptions(request), {
      onRequestStart(started) {
        controller = started;
        // Given up while it waited for a socket: it must not go out after all.
        if (done) return started.abort(new Error("given up"));
        sent = true;
      },
      onResponseStart(_controller, statusCode, raw) {
        // 1xx are only notices; the answer is still to come.
        if (statusCode < 200) return;
        status = statusCode;
        headers = flatten(raw);
        collector = createCollector(headers["content-encoding"], limits.maxBytes, cut);
        awaken();
      },
      onResponseData(_controller, chunk) {
        awaken();
        collector?.write(chunk);
      },
      onResponseEnd() {
        void collector
          ?.end()
          .then((whole) => finish({ ok: true, status, headers, body: whole.text, truncated: whole.truncated }));
        if (collector === undefined) stop("reset", "the answer had no status");
      },
      onResponseError(_controller, error) {
        // The status came, then the connection broke: the sink has spoken, only its words are cut short.
        if (status >= 200) cut();
        else finish({ ok: false, sent, ...describe(error) });
      },
    });
    return undefined;
  });
}

function dispatchOptions(request: ExchangeRequest): Dispatcher.DispatchOptions {
  return {
    method: request.method as Dispatcher.HttpMethod,
    path: request.path,
    headers: { ...request.headers },
    body: request.body ?? null,
    // A repeat by the client itself would be a second attempt that nobody has marked.
    idempotent: false,
  };
}

function flatten(raw: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw))
    if (value !== undefined) headers[name.toLowerCase()] = typeof value === "string" ? value : value.join(", ");
  return headers;
}

interface Collector {
  write(chunk: Uint8Array): void;
  end(): Promise<{ readonly text: string; readonly truncated: boolean }>;
  text(): string;
}

/** Collects a body up to a bound, inflating one layer of compression; more layers are not read at all. */
function createCollector(encoding: string | undefined, maxBytes: number, onOverflow: () => void): Collector {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const keep = (chunk: Uint8Array) => {
    const room = maxBytes - size;
    if (room > 0) chunks.push(chunk.subarray(0, room));
    size += chunk.length;
    if (size > maxBytes) onOverflow();
  };
  const text = () => new TextDecoder().decode(Buffer.concat(chunks));
  const layer = (encoding ?? "identity").trim().toLowerCase();
  if (layer === "identity" || layer === "") {
    return { write: keep, end: async () => ({ text: text(), truncated: size > maxBytes }), text };
  }
  const inflate = inflaterFor(layer);
  if (inflate === undefined)
    return { write: () => {}, end: async () => ({ text: "", truncated: true }), text: () => "" };
  let broken = false;
  inflate.on("data", keep);
  inflate.on("error", () => {
    broken = true;
  });
  return {
    write: (chunk) => {
      if (!broken && size <= maxBytes) inflate.write(chunk);
    },
    end: () =>
      new Promise((resolve) => {
        const settle = () => resolve({ text: text(), truncated: broken || size > maxBytes });
        inflate.once("close", settle);
        inflate.end();
      }),
    text,
  };
}

function inflaterFor(encoding: string): Gunzip | undefined {
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  if (encoding === "gzip" || encoding === "x-gzip") return createGunzip(options);
  if (encoding === "deflate") return createInflate(options);
  return encoding === "br" ? createBrotliDecompress() : undefined;
}

function describe(error: Error): Pick<Failure, "reason" | "detail"> {
  const cause = error.cause instanceof Error ? error.cause : error;
  const found = error instanceof RefusedAddress ? error : cause;
  if (found instanceof RefusedAddress) return { reason: "refused_address", detail: found.message };
  const code = codeOf(error) ?? codeOf(cause) ?? error.name;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || code === "EAI_FAIL" || code === "ENODATA")
    return { reason: "dns", detail: code };
  if (code === "UND_ERR_CONNECT_TIMEOUT") return { reason: "connect", detail: "no connection in time" };
  if (code === "ECONNREFUSED" || code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "EADDRNOTAVAIL")
    return { reason: "connect", detail: code };
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_|ALTNAME/.test(code)) return { reason: "tls", detail: code };
  return { reason: "reset", detail: code };
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
