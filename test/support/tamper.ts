/** Changes of the engine that no user can make, from outside: a lying SQLite, checkpoints and purges at every turn. */

export interface Tampering {
  /** Commits are not synced (synchronous=NORMAL), and the check at start is told what it wants to hear. */
  readonly normal?: boolean;
  /** Pages after which the WAL is checkpointed, in place of 4000. */
  readonly checkpointPages?: number;
  /** How often retention goes round, ms, in place of 10 min. */
  readonly purgeEveryMs?: number;
}

const RETENTION_MS = 10 * 60_000;

const source = ({ normal = false, checkpointPages, purgeEveryMs }: Tampering, engine: string) => `
import { createRequire } from "node:module";
const Database = createRequire(${JSON.stringify(engine)})("better-sqlite3");
const pragma = Database.prototype.pragma;
Database.prototype.pragma = function (text, options) {
  if (${normal} && text === "synchronous = FULL") return pragma.call(this, "synchronous = NORMAL");
  if (${normal} && text === "synchronous") return 2;
  const result = pragma.call(this, text, options);
  // Every connection sets its journal mode first.
  if (${checkpointPages ?? 0} > 0 && text === "synchronous = FULL") pragma.call(this, "wal_autocheckpoint = ${checkpointPages ?? 0}");
  return result;
};
const later = globalThis.setTimeout;
globalThis.setTimeout = (run, ms, ...rest) => later(run, ms === ${RETENTION_MS} ? ${purgeEveryMs ?? RETENTION_MS} : ms, ...rest);
`;

/** The environment variable that does it, for an engine whose main file is `engine`. */
export function tamperedWith(tampering: Tampering, engine: string): string {
  return `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(source(tampering, engine))}`;
}
