/** Brings the schema up to date: numbered SQL files, each applied whole or not at all. */
import { listAssets, readAsset } from "../core/assets.ts";
import { fail, HookrailError } from "../core/errors.ts";
import { APPLICATION_ID, type Db } from "./connection.ts";

const FOLDER = "engine/store/sql/";

/** One numbered SQL file. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations this product ships, in order. */
export function shippedMigrations(): readonly Migration[] {
  return listAssets(FOLDER)
    .filter((name) => name.endsWith(".sql"))
    .map((name) => ({
      version: Number.parseInt(name.slice(FOLDER.length), 10),
      name: name.slice(FOLDER.length),
      sql: readAsset(name),
    }));
}

/** Schema version of a file: 0 for a new one. */
export function schemaVersion(db: Db): number {
  return Number(db.pragma("user_version", { simple: true }));
}

/** Refuses a file that a newer product has changed. */
export function refuseNewer(db: Db, path: string, migrations: readonly Migration[]): void {
  const found = schemaVersion(db);
  const known = migrations.at(-1)?.version ?? 0;
  if (found > known) fail("HK4006", { path, found, known });
}

/** For readers, who change nothing: refuses a file whose tables are not yet those of this product. */
export function refuseOlder(db: Db, path: string, migrations: readonly Migration[]): void {
  const found = schemaVersion(db);
  const known = migrations.at(-1)?.version ?? 0;
  if (found < known)
    fail(
      "HK4020",
      { path, found, known },
      { hint: "start the engine with this version: it brings the store up to date" },
    );
}

/** Applies what is missing; each migration and its version row are one transaction. */
export function migrate(db: Db, options: { path: string; now: number; migrations: readonly Migration[] }): void {
  refuseNewer(db, options.path, options.migrations);
  for (const migration of options.migrations) {
    if (migration.version <= schemaVersion(db)) continue;
    try {
      db.transaction(applyMigration).exclusive(db, migration, options.now);
    } catch (error) {
      if (error instanceof HookrailError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      fail("HK4017", { migration: migration.name, path: options.path, reason }, { cause: error });
    }
  }
}

function applyMigration(db: Db, migration: Migration, now: number): void {
  db.exec(
    "CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
  );
  db.exec(migration.sql);
  db.prepare("INSERT INTO schema_versions (version, name, applied_at) VALUES (?, ?, ?)").run(
    migration.version,
    migration.name,
    now,
  );
  db.pragma(`user_version = ${migration.version}`);
  db.pragma(`application_id = ${APPLICATION_ID}`);
}
