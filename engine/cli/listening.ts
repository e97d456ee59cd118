/** What the listeners take from a revision: limits, certificates and their renewal, and how many connections there is room for. */
import { readdirSync, readFileSync } from "node:fs";
import type { Revision, ServerModel, TlsModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import { readTlsFiles, startRenewal } from "../http/renewal.ts";
import type { Listener, ServerLimits, TlsTexts } from "../http/server.ts";

/** Kept for the store, sinks, commands and the dashboard: a flood of connections must not shut operators out. */
const LEAST_KEPT = 16;
const MOST_KEPT = 256;

/**
 * How many connections fit under the process's limit of open files, beside those that are open now and some for all
 * else. Undefined where the system does not say (it is read from Linux' /proc).
 */
function connectionRoom(): number | undefined {
  try {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
    const kept = Math.min(MOST_KEPT, Math.max(LEAST_KEPT, Math.floor(limit / 4)));
    const room = limit - readdirSync("/proc/self/fd").length - kept;
    return Number.isNaN(room) ? undefined : Math.max(1, room);
  } catch {
    return undefined;
  }
}

export function limitsOf(server: ServerModel): Partial<ServerLimits> {
  return {
    maxHeaderBytes: server.maxHeaderBytes,
    headersTimeoutMs: server.headerTimeoutMs,
    requestTimeoutMs: server.requestTimeoutMs,
    maxConnections: server.maxConnections,
  };
}

/** Sets what a server reads at each connection: at the start, once everything else is open, and after each reload. */
export function createLimiter({ server }: Listener, log: Log): (to: ServerModel) => void {
  const room = connectionRoom() ?? Number.POSITIVE_INFINITY;
  return ({ maxConnections, headerTimeoutMs, requestTimeoutMs }) => {
    server.maxConnections = Math.min(maxConnections, room);
    server.requestTimeout = requestTimeoutMs;
    server.headersTimeout = Math.min(headerTimeoutMs, requestTimeoutMs);
    if (room < maxConnections)
      log.warn("fewer connections than configured: the limit of open files (ulimit -n) is too low", {
        max_connections: maxConnections,
        room,
      });
  };
}

export function tlsOf({ tls }: { readonly tls?: TlsModel }): { readonly tls?: TlsTexts } {
  return tls === undefined ? {} : { tls: tlsTexts(tls) };
}

function tlsTexts(tls: TlsModel): TlsTexts {
  return { cert: tls.cert, key: tls.key.reveal(), ...(tls.clientCa !== undefined && { ca: tls.clientCa }) };
}

/** Watches the certificates of the listeners that serve TLS; call what is returned to look at them now, or to end it. */
export function watchCertificates(
  listeners: { readonly hooks: Listener; readonly admin: Listener },
  { revision, clock, log }: { readonly revision: () => Revision; readonly clock: Clock; readonly log: Log },
): { check(): void; stop(): void } {
  const { server, admin, root } = revision();
  const renewals = [
    { name: "hooks", listener: listeners.hooks, first: server.tls, now: () => revision().server.tls },
    { name: "admin", listener: listeners.admin, first: admin.tls, now: () => revision().admin.tls },
  ].flatMap(({ name, listener, first, now }) => {
    if (first === undefined) return [];
    const read = () => readTlsFiles(root, (now() ?? first).files);
    return [startRenewal({ listener, name, texts: tlsTexts(first), read, clock, log })];
  });
  return {
    check() {
      for (const renewal of renewals) void renewal.check();
    },
    stop() {
      for (const renewal of renewals) renewal.stop();
    },
  };
}
