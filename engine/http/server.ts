/** A listener with its limits and its end: bounded headers, times and connections, and a drain within a bound. */
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { certificateFault, type TlsTexts } from "../core/certificate.ts";
import { fail, HookrailError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { type Refusal, rawRefusal, refusalReply } from "./reply.ts";

export interface ServerLimits {
  /** Request line and headers, bytes; more is 431. */
  readonly maxHeaderBytes: number;
  /** From the first byte to the end of the headers, ms; more is 408. */
  readonly headersTimeoutMs: number;
  /** From the first byte to the end of the body, ms; more is 408. */
  readonly requestTimeoutMs: number;
  /** An idle connection is kept this long: above the 60 s that load balancers keep theirs, so that they close first. */
  readonly keepAliveMs: number;
  readonly maxConnections: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveMs: 65_000,
  maxConnections: 4_096,
};

export type { TlsTexts } from "../core/certificate.ts";

export interface Listener {
  readonly server: Server;
  /** True from the call of `close` on: answers close their connections. */
  readonly draining: boolean;
  /** Binds; resolves with the address in words, `http://127.0.0.1:8080` or the socket's path. */
  listen(target: { readonly host: string; readonly port: number } | { readonly socketPath: string }): Promise<string>;
  /**
   * New connections are served with these; those that are open stay. Throws `HK3030`, with the old ones in force, where
   * the texts can't be used or where only one side asks for client certificates: that is decided when it is made.
   */
  renewTls(texts: TlsTexts): void;
  /** Stops accepting, lets what is in flight finish, and cuts off what is not done after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

const MIN_TLS = "TLSv1.2";

const CLIENT_ERRORS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: "headers_too_large",
  ERR_HTTP_REQUEST_TIMEOUT: "too_slow",
};

/** A plain-HTTP listener over `handler`. */
export function createListener(options: {
  readonly handler: Handler;
  readonly requestId: () => string;
  readonly limits?: Partial<ServerLimits>;
  /** Absent: plain HTTP. */
  readonly tls?: TlsTexts;
  readonly log?: Log;
  /** Answers what is refused after its head was read. Default: the answer, and the connection closes. */
  readonly refuse?: (req: IncomingMessage, res: ServerResponse, refusal: Refusal) => void;
}): Listener {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const settings = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Node looks for slow requests this often; its default of 30 s would make a 10 s limit one of 40 s.
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, limits.headersTimeoutMs / 2)),
    noDelay: true,
    requireHostHeader: true,
  };
  const { tls, log } = options;
  const server: Server =
    tls === undefined
      ? createServer(settings, options.handler)
      : createTlsServer(
          {
            ...settings,
            ...tls,
            requestCert: tls.ca !== undefined,
            rejectUnauthorized: true,
            minVersion: MIN_TLS,
            // Node's own 120 s would hold a connection that says nothing.
            handshakeTimeout: limits.headersTimeoutMs,
          },
          options.handler,
        );
  server.maxConnections = limits.maxConnections;
  server.on("drop", () =>
    log?.repeating("warn", "too many connections", "too many connections at one time; a new one was closed", {
      max_connections: server.maxConnections,
    }),
  );
  // Node's own listener would answer a failed handshake in plain HTTP, inside a connection that is none yet.
  server.removeAllListeners("tlsClientError");
  server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const reason = error.code ?? error.name;
    const remote = socket.remoteAddress;
    log?.repeating("warn", `tls ${reason}`, "a TLS handshake failed; the connection was closed", { reason, remote });
    socket.destroy();
  });
  // Node would answer 100 by itself, before anything was checked.
  server.on("checkContinue", options.handler);
  server.on("checkExpectation", (req: IncomingMessage, res: ServerResponse) => {
    if (options.refuse !== undefined) options.refuse(req, res, "expectation_unknown");
    else sendRefusal(res, "expectation_unknown", options.requestId());
  });
  // More bytes behind a fault are faults too: the first one is answered.
  const refused = new WeakSet<Socket>();
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    const refusal = CLIENT_ERRORS[error.code ?? ""] ?? "faulty_framing";
    if (error.code === "ECONNRESET" || !socket.writable) socket.destroy();
    else if (!refused.has(socket)) {
      refused.add(socket);
      endInTurn(socket, rawRefusal(refusal, options.requestId()));
    }
  });

  let draining = false;
  return {
    server,
    get draining() {
      return draining;
    },
    listen(target) {
      return new Promise((resolve, reject) => {
        const refuse = (error: NodeJS.ErrnoException) => reject(bindingError(error, target));
        server.once("error", refuse);
        server.listen("socketPath" in target ? { path: target.socketPath } : target, () => {
          server.off("error", refuse);
          resolve(describeAddress(server.address(), tls === undefined ? "http" : "https"));
        });
      });
    },
    renewTls(texts) {
      const problem =
        certificateFault(texts) ??
        (tls === undefined ? "this listener serves plain HTTP" : undefined) ??
        ((texts.ca === undefined) === (tls?.ca === undefined) ? undefined : "`client_ca` comes or goes with a restart");
      if (problem !== undefined) fail("HK3030", { problem });
      (server as TlsServer).setSecureContext({ ...texts, minVersion: MIN_TLS });
    },
    close(graceMs) {
      draining = true;
      return new Promise((resolve) => {
        const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cutOff);
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}

/** A refusal in its turn, behind the answers to the requests before it. */
function sendRefusal(res: ServerResponse, refusal: Refusal, requestId: string): void {
  const { status, headers, body } = refusalReply(refusal, requestId);
  res.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body), connection: "close" });
  res.end(body);
}

/**
 * Requests may come in one packet: those that were whole are answered first, or the sender would take the refusal of
 * a later one for the answer to an event that is being stored.
 */
function endInTurn(socket: Socket, refusal: string): void {
  const pending = answerUnderWay(socket);
  if (pending === undefined) socket.end(refusal, () => socket.destroy());
  else pending.once("close", () => setImmediate(endInTurn, socket, refusal));
}

/** The answer this socket owes to a whole request. Node keeps it there, and its own default handler looks there too. */
function answerUnderWay(socket: Socket): ServerResponse | undefined {
  const pending: unknown = Reflect.get(socket, "_httpMessage");
  return pending instanceof ServerResponse && pending.req.complete ? pending : undefined;
}

const BINDING_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there",
  EACCES: "this user may not listen there",
  EADDRNOTAVAIL: "this machine has no such address",
};

function bindingError(error: NodeJS.ErrnoException, target: Parameters<Listener["listen"]>[0]): Error {
  const where = "socketPath" in target ? target.socketPath : `${target.host}:${target.port}`;
  const code = error.code ?? error.name;
  return new HookrailError("HK8022", { where, problem: BINDING_PROBLEMS[code] ?? code }, { cause: error });
}

function describeAddress(address: AddressInfo | string | null, scheme: string): string {
  if (address === null || typeof address === "string") return String(address);
  return `${scheme}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

/** Ids for requests, `req_` + the process's random prefix + a count: what a sender can quote and an operator find. */
export function createRequestIds(prefix: string): () => string {
  let count = 0;
  return () => `req_${prefix}${(++count).toString(36)}`;
}
