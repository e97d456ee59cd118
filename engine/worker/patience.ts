/** How long a sink may still be at work on what was sent before a crash: the next write to that entity waits it out. */
import type { Revision } from "../config/revision.ts";

/** By connection, ms; nothing for sinks that end with this process. */
export function sinkPatience(revision: Pick<Revision, "connections">): Readonly<Record<string, number>> {
  const remote = [...revision.connections.values()].filter(({ sink }) => sink.local !== true);
  return Object.fromEntries(remote.map(({ name, timeoutMs }) => [name, timeoutMs]));
}
