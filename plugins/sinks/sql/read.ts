/** Rows of a query, a few at a time, over a connection that can not write. */
import Database from "better-sqlite3";
import pg from "pg";

type Row = Readonly<Record<string, unknown>>;

/** Rows fetched at once: bounds the memory, whatever the query gives. */
const FETCH = 500;

/** Iterates in this thread: for commands, which serve nobody meanwhile. */
export async function* readSqlite(path: string, query: string): AsyncGenerator<Row> {
  const db = new Database(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
  try {
    // Integers as they are: an id of 17 digits is not rounded.
    for (const row of db.prepare<[], Row>(query).safeIntegers().iterate()) yield row;
  } finally {
    db.close();
  }
}

/** A cursor in a transaction that PostgreSQL itself holds read-only; all rows are of one instant. */
export async function* readPostgres(url: string, query: string): AsyncGenerator<Row> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: "hookrail seed",
  });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    await client.query(`DECLARE seed NO SCROLL CURSOR FOR ${query.trim().replace(/;+$/, "")}`);
    for (;;) {
      const { rows } = await client.query<Row>(`FETCH ${FETCH} FROM seed`);
      yield* rows;
      if (rows.length < FETCH) return;
    }
  } finally {
    await client.end();
  }
}
