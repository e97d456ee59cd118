/** What both databases do for the sql sink, and what their failures mean. */
import type { Outcome } from "hookrail/plugin";
import type { Program, Statement } from "./program.ts";

/** What a program came to. */
export type Applied = "applied" | "repeated" | "superseded";

/** One database. */
export interface Executor {
  /** Runs statements one by one, at open. */
  run(statements: readonly Statement[]): Promise<void>;
  /** First column of each row. */
  list(statement: Statement): Promise<readonly string[]>;
  apply(program: Program): Promise<Applied>;
  close(): Promise<void>;
}

/** A failure with the database's own code, across threads. */
export class SqlFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = "SqlFailure";
    this.code = code;
  }
}

/**
 * A retry is always harmless here (the dedupe row decides), so there is no unknown outcome. The database's message
 * can quote values, so only its code is shown.
 */
export function outcomeOfFailure(error: unknown): Outcome {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "no answer";
  const detail = `database: ${code}`;
  if (/^SQLITE_/.test(code)) return { kind: kindOfSqlite(code), detail };
  return { kind: kindOfPostgres(code), detail };
}

/** sqlite.org/rescode.html */
function kindOfSqlite(code: string): "retry" | "rejected" | "pause" {
  if (/^SQLITE_(CONSTRAINT|MISMATCH|ERROR|TOOBIG|RANGE|MISUSE)/.test(code)) return "rejected";
  return /^SQLITE_(CORRUPT|NOTADB|AUTH|PERM|READONLY)/.test(code) ? "pause" : "retry";
}

/** PostgreSQL error codes, appendix A: classes 22, 23, 42 and others speak of the statement, 28 of the login. */
function kindOfPostgres(code: string): "retry" | "rejected" | "pause" {
  if (!/^[0-9A-Z]{5}$/.test(code)) return "retry";
  if (code === "42501" || code.startsWith("28") || code.startsWith("3D")) return "pause";
  return /^(22|23|42|0A|21|26|2F|38|39|44)/.test(code) ? "rejected" : "retry";
}
