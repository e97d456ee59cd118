/** Applies programs to PostgreSQL through kysely, each in a transaction of its own. */
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from "kysely";
import pg from "pg";
import { type Applied, type Executor, SqlFailure } from "./executor.ts";
import type { Program, Statement } from "./program.ts";

const query = ({ sql, parameters }: Statement) => CompiledQuery.raw(sql, [...parameters]);

/** An executor over a small pool. */
export function createPostgresExecutor(url: string, connections: number): Executor {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 30_000,
    application_name: "hookrail",
  });
  // An idle connection that breaks is not an attempt's fault; the pool opens another.
  pool.on("error", () => {});
  // One that breaks between two statements of a transaction says so as an event; the next statement fails anyway.
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  return {
    async run(statements) {
      await db.transaction().execute(async (trx) => {
        for (const statement of statements) await trx.executeQuery(query(statement));
      });
    },
    async list(statement) {
      const { rows } = await db.executeQuery<Record<string, unknown>>(query(statement));
      return rows.map((row) => String(Object.values(row)[0]));
    },
    async apply(program) {
      let inCommit: Applied | undefined;
      try {
        return await db.transaction().execute(async (trx) => {
          inCommit = await applyIn(trx, program);
          return inCommit;
        });
      } catch (error) {
        if (inCommit === undefined) throw withCode(error);
        // All was done and COMMIT has no answer, or a bad one: the dedupe row says what became of it.
        if (await isThere(db, program)) return inCommit;
        throw withCode(error);
      }
    },
    close: () => db.destroy(),
  };
}

async function applyIn(trx: Transaction<unknown>, program: Program): Promise<Applied> {
  const changed = async (statement: Statement) => (await trx.executeQuery(query(statement))).numAffectedRows ?? 0n;
  if ((await changed(program.dedupe)) === 0n) return "repeated";
  if (program.guard !== undefined && (await trx.executeQuery(query(program.guard))).rows.length > 0)
    return "superseded";
  const written = await changed(program.write);
  if (program.after === undefined) return written === 0n ? "superseded" : "applied";
  for (const statement of program.after) await changed(statement);
  return "applied";
}

async function isThere(db: Kysely<unknown>, program: Program): Promise<boolean> {
  try {
    return (await db.executeQuery(query(program.probe))).rows.length > 0;
  } catch {
    return false;
  }
}

/** pg's own errors carry a code; the rest are about the connection. */
function withCode(error: unknown): Error {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error;
  return new SqlFailure("connection", error instanceof Error ? error.message : "failed");
}
