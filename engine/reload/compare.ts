/** What differs between two revisions: secrets that the hash does not cover, connections that stay open, keys that only a restart changes. */
import { createHash } from "node:crypto";
import type { Revision } from "../config/revision.ts";
import { Secret } from "../core/secret.ts";
import type { ConnectionModel } from "../delivery/model.ts";

/** SHA-256 over what references came to, secrets too: kept in memory, never written anywhere. */
export function resolvedHash(revision: Revision): string {
  const { sources, connections, server, admin, log, channels } = revision;
  const own = [...connections.values()].map(connectionParts);
  return digest([[...sources.values()].map(({ recipe: _, ...source }) => source), own, server, admin, log, channels]);
}

/** True when nothing would change: the same files, and the same values behind their references. */
export function isSame(current: Revision, next: Revision): boolean {
  return current.hash === next.hash && resolvedHash(current) === resolvedHash(next);
}

/** Connections that are the same in both, down to their secrets, sink and what the sink knows of entities. */
export function sameConnections(current: Revision, next: Revision): ReadonlySet<string> {
  const surroundings = (revision: Revision) =>
    digest([[...revision.entities.values()].map(shownToSinks), sinkFiles(revision)]);
  if (surroundings(current) !== surroundings(next)) return new Set();
  const same = [...next.connections].filter(([name, connection]) => {
    const before = current.connections.get(name);
    return before !== undefined && digest(connectionParts(before)) === digest(connectionParts(connection));
  });
  return new Set(same.map(([name]) => name));
}

/** Keys that have changed and are read only once, at the start. */
export function restartKeys(current: Revision, next: Revision): string[] {
  const keys: [key: string, of: (revision: Revision) => unknown][] = [
    ["server.host", ({ server }) => server.host],
    ["server.port", ({ server }) => server.port],
    ["server.limits.max_header", ({ server }) => server.maxHeaderBytes],
    ["server.tls", ({ server }) => [server.tls !== undefined, server.tls?.clientCa]],
    ["admin", ({ admin }) => [admin.host, admin.port, admin.tls !== undefined, admin.tls?.clientCa]],
    ["store", ({ store }) => store],
    ["log.format", ({ log }) => log.format],
  ];
  return keys.filter(([, of]) => digest(of(current)) !== digest(of(next))).map(([key]) => key);
}

function connectionParts({ sink, open: _open, position: _position, ...rest }: ConnectionModel): unknown {
  return [sink.name, rest];
}

function shownToSinks(entity: Revision["entities"] extends ReadonlyMap<string, infer E> ? E : never): unknown {
  const attributes = [...entity.attributes.values()].map(({ name, type, sensitive }) => [name, type, sensitive]);
  return [entity.name, entity.ids, attributes, entity.states.length > 0];
}

/** Presets are YAML of the revision; sinks in code do not change while the engine runs. */
function sinkFiles({ files }: Revision): unknown {
  return Object.entries(files).filter(([path]) => path.startsWith("plugins/sinks/"));
}

function digest(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(plain(value)))
    .digest("hex");
}

/** The value as JSON can say it, with keys in order and secrets told apart from texts. */
function plain(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.reveal() };
  if (value instanceof Map) return [...value].map(plain);
  if (value instanceof Set) return [...value].map(plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return typeof value === "function" ? null : (value ?? null);
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, plain(member)]);
}
