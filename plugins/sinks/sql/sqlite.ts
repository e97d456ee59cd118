/** Applies programs to a SQLite file: the ones that come together share one transaction, each in its savepoint. */
import { closeSync, openSync } from "node:fs";
import Database from "better-sqlite3";
import type { Applied } from "./executor.ts";
import type { Program, Statement } from "./program.ts";

/** The result of one program of a group. */
export type GroupResult =
  | { readonly ok: true; readonly applied: Applied }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** One open file; synchronous. */
export interface SqliteApplier {
  run(statements: readonly Statement[]): void;
  list(statement: Statement): string[];
  applyGroup(programs: readonly Program[]): readonly GroupResult[];
  close(): void;
}

/** Statement texts kept compiled; a table has few shapes of writes, and the map is cleared when it grows past this. */
const MAX_STATEMENTS = 500;

/** Opens the file; `synchronous=FULL`, or a power cut could lose what Hookrail has noted as delivered. */
export function openSqliteApplier(path: string): SqliteApplier {
  // A new file holds people's data: only its owner reads it. SQLite gives its -wal and -shm the same mode.
  if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
  const db = new Database(path);
  db.pragma("busy_timeout = 5000");
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  // A killed engine may have left a commit in the WAL whose sync had failed: nothing is appended behind it.
  db.pragma("wal_checkpoint(TRUNCATE)");
  const prepare = createStatementCache(db);
  const change = ({ sql, parameters }: Statement) => prepare(sql).run(...parameters).changes;
  const found = ({ sql, parameters }: Statement) => prepare(sql).get(...parameters) !== undefined;
  const one = db.transaction((program: Program) => applyOne(program, { change, found }));
  const group = db.transaction((programs: readonly Program[]) =>
    programs.map((program): GroupResult => {
      try {
        return { ok: true, applied: one(program) };
      } catch (error) {
        // A full disk or the like ends the whole transaction: no savepoint is left to go on from.
        if (!db.inTransaction) throw error;
        return failure(error);
      }
    }),
  );
  return {
    run: (statements) => db.transaction(() => statements.forEach((statement) => void change(statement)))(),
    list: ({ sql, parameters }) =>
      db
        .prepare(sql)
        .pluck()
        .all(...parameters)
        .map(String),
    applyGroup(programs) {
      try {
        return group.immediate(programs);
      } catch (error) {
        return programs.map(() => failure(error));
      }
    },
    close: () => db.close(),
  };
}

function createStatementCache(db: Database.Database): (text: string) => Database.Statement {
  const prepared = new Map<string, Database.Statement>();
  return (text) => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_STATEMENTS) prepared.clear();
    const fresh = db.prepare(text);
    prepared.set(text, fresh);
    return fresh;
  };
}

interface Runner {
  /** Rows changed. */
  change(statement: Statement): number;
  found(statement: Statement): boolean;
}

function applyOne(program: Program, { change, found }: Runner): Applied {
  if (change(program.dedupe) === 0) return "repeated";
  if (program.guard !== undefined && found(program.guard)) return "superseded";
  const changed = change(program.write);
  if (program.after === undefined) return changed === 0 ? "superseded" : "applied";
  for (const statement of program.after) change(statement);
  return "applied";
}

function failure(error: unknown): GroupResult {
  const code = error instanceof Error && "code" in error ? String(error.code) : "SQLITE_UNKNOWN";
  return { ok: false, code, message: error instanceof Error ? error.message : "failed" };
}
