/** One request over a pool, as an answer value: what came back, or why nothing did and whether it was sent. */
import type { Dispatcher } from "undici";
import type { HttpAnswer } from "../plugin/index.ts";
import { type BodyCollector, createCollector } from "./collect.ts";
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
  /** The body is no text: one character for each byte. */
  readonly binary?: boolean;
}

type Failure = Extract<HttpAnswer, { ok: false }>;
type Controller = Dispatcher.DispatchController;

/** Sends one request and waits for its answer within the limits. Never rejects. */
export function exchange(
  dispatcher: Dispatcher,
  request: ExchangeRequest,
  limits: ExchangeLimits,
): Promise<HttpAnswer> {
  return new Exchange(request.signal, limits).run(dispatcher, request);
}

/**
 * One request on its way. It counts as sent from the moment undici is about to write it (`onRequestStart`): before
 * that, no byte of it can have left; after that, every failure is an unknown outcome, unless a status came.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #limits: ExchangeLimits;
  /** Resolves the caller's promise; called once, by `#finish`. */
  #resolve: (answer: HttpAnswer) => void = () => {};
  #controller: Controller | undefined;
  #sent = false;
  #done = false;
  /** 0 until the answer's status line came. */
  #status = 0;
  #headers: Readonly<Record<string, string>> = {};
  #collector: BodyCollector | undefined;
  #total: NodeJS.Timeout | undefined;
  /** Set while an answer is coming in. */
  #idle: NodeJS.Timeout | undefined;

  constructor(signal: AbortSignal, limits: ExchangeLimits) {
    this.#signal = signal;
    this.#limits = limits;
  }

  run(dispatcher: Dispatcher, request: ExchangeRequest): Promise<HttpAnswer> {
    const answer = new Promise<HttpAnswer>((resolve) => {
      this.#resolve = resolve;
    });
    if (this.#signal.aborted) {
      this.#finish({ ok: false, sent: false, reason: "aborted", detail: "cancelled before it was sent" });
      return answer;
    }
    this.#total = setTimeout(this.#giveUp, this.#limits.totalMs);
    this.#signal.addEventListener("abort", this.#giveUp, { once: true });
    dispatcher.dispatch(dispatchOptions(request), this);
    return answer;
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    // Given up while it waited for a socket: it must not go out after all.
    if (this.#done) controller.abort(new Error("given up"));
    else this.#sent = true;
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // 1xx are only notices; the answer is still to come.
    if (status < 200) return;
    this.#status = status;
    this.#headers = flatten(headers);
    this.#collector = createCollector(this.#headers["content-encoding"], this.#limits, this.#cutShort);
    this.#awaken();
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#awaken();
    this.#collector?.write(chunk);
  }

  onResponseEnd(): void {
    const status = this.#status;
    void this.#collector?.end().then(({ text, truncated }) => {
      this.#finish({ ok: true, status, headers: this.#headers, body: text, truncated });
    });
  }

  onResponseError(_controller: Controller, error: Error): void {
    // The status came, then the connection broke: the sink has spoken, only its words are cut short.
    if (this.#status > 0) this.#cutShort();
    else this.#finish({ ok: false, sent: this.#sent, ...describeFailure(error) });
  }

  /** Out of time, or the caller has enough. */
  readonly #giveUp = (): void => {
    if (this.#status > 0) this.#cutShort();
    else this.#finish({ ok: false, sent: this.#sent, reason: "timeout", detail: "gave up waiting for an answer" });
    this.#controller?.abort(new Error("gave up waiting for an answer"));
  };

  /** A status that came is an answer, even if its body never ends: what the sink did is known. */
  readonly #cutShort = (): void => {
    const body = this.#collector?.text() ?? "";
    this.#finish({ ok: true, status: this.#status, headers: this.#headers, body, truncated: true });
    this.#controller?.abort(new Error("the rest of the answer is not read"));
  };

  #awaken(): void {
    clearTimeout(this.#idle);
    if (!this.#done) this.#idle = setTimeout(this.#giveUp, this.#limits.idleMs);
  }

  #finish(answer: HttpAnswer): void {
    if (this.#done) return;
    this.#done = true;
    clearTimeout(this.#total);
    clearTimeout(this.#idle);
    this.#signal.removeEventListener("abort", this.#giveUp);
    this.#resolve(answer);
  }
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

/** Why nothing came, from the error's code. */
function describeFailure(error: Error): Pick<Failure, "reason" | "detail"> {
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
