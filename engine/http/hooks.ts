/**
 * The hooks listener's core: from a Node request to a `RawRequest`, through the intake, to an answer. Cheap checks
 * come first (framing, path, method, declared length), the body after them. Works under Koa and in front of it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { errorFields, type Log } from "../core/log.ts";
import type { MaybePromise, RawRequest } from "../core/types.ts";
import { type BodyResult, type Coding, inflateBody, parseCoding, readBody } from "./body.ts";
import { type BodyBudget, createBodyBudget } from "./body-budget.ts";
import { createRemoteReader, type ReadRemote } from "./remote.ts";
import { type Refusal, type Reply, refusalReply } from "./reply.ts";

/** What stands behind the listener: the flow's ingest, or a stand-in in tests. */
export interface Intake {
  /** How much of a body to read for this path, and which codings to undo; undefined: no source has this path. */
  limitFor(path: string): { readonly maxBytes: number; readonly codings?: ReadonlySet<string> } | undefined;
  /** The answer to a request whose body is not to be read; undefined: read it. */
  admit(request: { readonly path: string; readonly remoteAddress: string }): Reply | undefined;
  ingest(request: RawRequest): MaybePromise<Reply>;
}

export interface HooksDeps {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly requestId: () => string;
  /** Default: the socket's peer. */
  readonly readRemote?: ReadRemote;
  /** Memory for large bodies. */
  readonly budget?: BodyBudget;
  /** While true every answer closes its connection. */
  readonly draining: () => boolean;
}

/** Answers one request; never rejects. */
export type HandleHook = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

export interface HooksHandler {
  readonly handle: HandleHook;
  /** Refuses a request that can not even be handled, and reads away what the client is still sending. */
  readonly refuse: (req: IncomingMessage, res: ServerResponse, refusal: Refusal) => void;
}

// A second value would let the verifier and the parser disagree on what was said (RFC 9112, 3.2 and 6.3).
const SINGLE = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "content-type",
  "content-encoding",
  "authorization",
  "expect",
]);

/** How long, and how many bytes, a refused body is read and thrown away, so that the refusal is seen and not a reset. */
const LINGER_MS = 1_000;
const LINGER_BYTES = 1 << 20;
const SMALL_BODY = 64 * 1024;

/** Lower-case names; repeated headers joined as RFC 9110, 5.3 has it. Undefined when one is repeated that must not be. */
export function readHeaders(raw: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase();
    const value = raw[i + 1] ?? "";
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (SINGLE.has(name)) return undefined;
    else headers[name] = `${before}, ${value}`;
  }
  return headers;
}

type Head = Omit<RawRequest, "body">;

function readHead(req: IncomingMessage, now: number, readRemote: ReadRemote): Head | undefined {
  const headers = readHeaders(req.rawHeaders);
  if (headers === undefined) return undefined;
  // Chunks are unknown to HTTP/1.0: a proxy in front would see another message than we do (RFC 9112, 6.1).
  if (req.httpVersion === "1.0" && headers["transfer-encoding"] !== undefined) return undefined;
  const target = req.url ?? "/";
  const mark = target.indexOf("?");
  return {
    method: req.method ?? "GET",
    target,
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? "" : target.slice(mark + 1),
    headers,
    rawHeaders: req.rawHeaders,
    remoteAddress: readRemote(req.socket.remoteAddress ?? "", headers["x-forwarded-for"]),
    receivedAt: now,
  };
}

interface Taking {
  readonly head: Head;
  readonly coding: Coding;
  readonly maxBytes: number;
}

/** What the body may come to: declared, or as much as is allowed where it is coded or comes in chunks. */
function bodySize(head: Head, maxBytes: number): number {
  const { "content-length": length, "content-encoding": coding } = head.headers;
  return length === undefined ? (hasBody(head) ? maxBytes : 0) : coding === undefined ? Number(length) : maxBytes;
}

const hasBody = (head: Head) =>
  head.headers["transfer-encoding"] !== undefined || Number(head.headers["content-length"] ?? 0) > 0;

/** A body Node reads away by itself, so that the connection can stay: under load a new one costs more than the answer. */
const isSmall = ({ headers }: Head) =>
  headers["transfer-encoding"] === undefined &&
  headers["expect"] === undefined &&
  Number(headers["content-length"] ?? 0) <= SMALL_BODY;

/** Makes the handler; it answers every request exactly once, or not at all when the client has left. */
export function createHooksHandler(deps: HooksDeps): HooksHandler {
  const { intake, clock, log, requestId } = deps;
  const readRemote = deps.readRemote ?? createRemoteReader([]);
  const budget = deps.budget ?? createBodyBudget();

  const refuseAs = (req: IncomingMessage, res: ServerResponse, refusal: Refusal) =>
    send(res, refusalReply(refusal, requestId()), { linger: req });

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const refuse = (refusal: Refusal) => refuseAs(req, res, refusal);
    const head = readHead(req, clock.now(), readRemote);
    if (head === undefined) return refuse("faulty_framing");
    const limit = intake.limitFor(head.path);
    if (limit === undefined) {
      const reply = await intake.ingest({ ...head, body: new Uint8Array(0) });
      return send(res, reply, hasBody(head) ? { linger: req } : {});
    }
    const turned = intake.admit(head);
    if (turned !== undefined) return send(res, turned, isSmall(head) ? {} : { linger: req });
    const coding = parseCoding(head.headers["content-encoding"]);
    if (coding === undefined || (coding !== "identity" && !limit.codings?.has(coding)))
      return refuse("coding_not_taken");
    if (Number(head.headers["content-length"] ?? 0) > limit.maxBytes) return refuse("too_large");
    const share = budget.share(bodySize(head, limit.maxBytes));
    if (share === 0) return takeIn(req, res, { head, coding, maxBytes: limit.maxBytes });
    await budget.take(share);
    try {
      await takeIn(req, res, { head, coding, maxBytes: limit.maxBytes });
    } finally {
      budget.give(share);
    }
  }

  async function takeIn(req: IncomingMessage, res: ServerResponse, { head, coding, maxBytes }: Taking): Promise<void> {
    if (req.destroyed) return;
    // Only now is the client asked for the body it holds back.
    if (head.headers["expect"] !== undefined) res.writeContinue();
    let read: BodyResult = await readBody(req, maxBytes);
    if (read.kind === "body" && coding !== "identity") read = await inflateBody(read.body, coding, maxBytes);
    if (read.kind === "gone") return;
    if (read.kind === "refused") return send(res, refusalReply(read.refusal, requestId()), { linger: req });
    send(res, await intake.ingest({ ...head, body: read.body }));
  }

  function send(res: ServerResponse, reply: Reply, options: { readonly linger?: IncomingMessage } = {}): void {
    if (res.headersSent || res.destroyed) return;
    const headers: Record<string, string | number> = {
      ...reply.headers,
      "content-length": Buffer.byteLength(reply.body),
    };
    const { linger } = options;
    if (linger !== undefined || deps.draining()) headers["connection"] = "close";
    res.writeHead(reply.status, headers);
    if (linger === undefined) res.end(reply.body);
    else endAfterDiscard(linger, res, reply.body, clock);
  }

  const handleSafely: HandleHook = async (req, res) => {
    try {
      await handle(req, res);
    } catch (error) {
      log.repeating(
        "error",
        "intake failed",
        "a request could not be taken in; the sender was asked to try again",
        errorFields(error),
      );
      refuseAs(req, res, "internal");
    }
  };
  return { handle: handleSafely, refuse: refuseAs };
}

/**
 * Sends the whole answer, reads away what the client is still sending, and only then closes: closing with unread
 * bytes in the socket resets the connection, and the client would never see the answer.
 */
function endAfterDiscard(req: IncomingMessage, res: ServerResponse, body: string, clock: Clock): void {
  if (req.complete || req.destroyed) {
    res.end(body);
    return;
  }
  res.write(body);
  let discarded = 0;
  const finish = () => {
    cancel();
    req.off("data", onData);
    res.end();
  };
  const onData = (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > LINGER_BYTES) finish();
  };
  const cancel = clock.after(LINGER_MS, finish);
  req.on("data", onData);
  req.once("end", finish);
  req.once("close", finish);
  req.on("error", () => {});
  req.resume();
}
