/**
 * The SQLite store: one write connection, in a thread of its own unless it is told otherwise, and one read-only
 * connection beside it. A change is answered after its commit, so a read that follows it sees it.
 */

import type { Worker } from "node:worker_threads";
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import { type Db, failOpen, openConnection } from "./connection.ts";
import { createFetchReads } from "./fetches.ts";
import { createGroupRunner } from "./group.ts";
import { createHandlers } from "./handlers.ts";
import { createLearnedReads } from "./learned.ts";
import { type StoreLock, takeLock } from "./lock.ts";
import { migrate, refuseNewer, refuseOlder, shippedMigrations } from "./migrate.ts";
import { createAlertReads } from "./read-alerts.ts";
import { createDeliveryReads } from "./read-deliveries.ts";
import { createEntityReads } from "./read-entities.ts";
import { createErasePlan } from "./read-erase.ts";
import { createOperateReads } from "./read-operate.ts";
import { createStoryReads } from "./read-story.ts";
import { createWorkReads } from "./read-work.ts";
import { createReplayReads } from "./replay.ts";
import { createReserve, letReserveGo } from "./reserve.ts";
import { createSize } from "./size.ts";
import { checkOpened, lookBefore, recordHolder, refuseHalfRestored, relyOnNoOldWal } from "./startup.ts";
import type { Store, StoreReader } from "./store.ts";
import { startWriterThread, type WriterStart } from "./thread.ts";
import { createWriter, type Writer, type WriterTransport } from "./writer.ts";

/** How a store is opened. */
export interface SqliteStoreOptions {
  /** A file, made with its folder if it is not there, or `:memory:` (then there is no thread). */
  readonly path: string;
  readonly clock: Clock;
  /** The writer's own thread: on by default, off with `false`; elsewhere than beside this file (a bundle) its entry, or a function that starts it. */
  readonly thread?: false | URL | ((start: WriterStart) => Worker);
  /** File of better-sqlite3's addon, for the single binary. */
  readonly nativeBinding?: string;
  /** How long a lock is waited for, ms. */
  readonly busyTimeoutMs?: number;
  /** Cap on the file in pages of 16 KB: beyond it the store says that the disk is full. */
  readonly maxPages?: number;
  /** Size of the file that is given up when the disk is full (default 0: none). */
  readonly reserveBytes?: number;
  /** Starts though the WAL of an engine that crashed is gone: what was committed last is then lost. */
  readonly withoutWal?: boolean;
  /** The disk failed or the writer ended: nothing more can be promised, so the process should end. */
  readonly onFatal?: (error: HookrailError) => void;
}

const BUSY_TIMEOUT_MS = 2000;
const DEFAULT_THREAD = new URL("./writer-thread.ts", import.meta.url);

/** Opens the store for the one process that may write it. Refused (HK40xx): a file that is in use, damaged, newer or not ours. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  try {
    return await openStore(options);
  } catch (error) {
    // A start writes a little. In the reserve's room it can, and then retention can.
    const full = error instanceof HookrailError && error.code === "HK4008";
    if (!full || !letReserveGo(options.path)) throw error;
    return openStore(options);
  }
}

async function openStore(options: SqliteStoreOptions): Promise<Store> {
  const start: WriterStart = {
    path: options.path,
    nativeBinding: options.nativeBinding,
    busyTimeoutMs: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
    maxPages: options.maxPages,
    reserveBytes: options.reserveBytes ?? 0,
  };
  const lock = options.path === ":memory:" ? undefined : lockStore(start);
  let db: Db | undefined;
  let close = (opened: Db): void => {
    opened.close();
  };
  try {
    if (lock !== undefined) refuseHalfRestored(options.path);
    const before = lookBefore(options.path);
    db = openConnection({ ...start, mode: "write" });
    checkOpened(db, options.path, { before, withoutWal: options.withoutWal === true });
    close = (opened) => closeAsAfterCrash(opened, start);
    relyOnNoOldWal(db);
    migrate(db, { path: options.path, now: options.clock.now(), migrations: shippedMigrations() });
    recordHolder(db, options.clock.now());
    return await assemble(db, start, { options, lock });
  } catch (error) {
    if (db !== undefined) close(db);
    lock?.release();
    return failOpen(error, options.path);
  }
}

/** For a start that fails: the file may say that an engine runs, and then a WAL that is gone would pass for a lost one. */
function closeAsAfterCrash(db: Db, start: WriterStart): void {
  let keeper: Db | undefined;
  try {
    // While it is open the WAL is not removed, and it may not remove it either.
    keeper = db.memory ? undefined : openConnection({ ...start, mode: "read" });
  } catch {
    // Without it the next start asks for the WAL: a question too many, nothing lost.
  }
  db.close();
  keeper?.close();
}

/** Opens a store read-only, beside a running engine or without one. */
export async function openSqliteReader(
  path: string,
  options: { nativeBinding?: string } = {},
): Promise<StoreReader & Pick<Store, "resolveId" | "snapshot">> {
  const db = openConnection({ ...options, path, mode: "read", busyTimeoutMs: BUSY_TIMEOUT_MS });
  try {
    refuseNewer(db, path, shippedMigrations());
    refuseOlder(db, path, shippedMigrations());
    return { ...createReads(db, path), close: async () => void db.close() };
  } catch (error) {
    db.close();
    throw error;
  }
}

async function assemble(
  db: Db,
  start: WriterStart,
  { options, lock }: { options: SqliteStoreOptions; lock: StoreLock | undefined },
): Promise<Store> {
  const threaded = options.thread !== false && options.path !== ":memory:";
  const { transport, reader } = threaded
    ? await splitConnections(db, start, options.thread ?? DEFAULT_THREAD)
    : {
        transport: inThread(db, start),
        reader: options.path === ":memory:" ? db : openConnection({ ...start, mode: "read" }),
      };
  const whenFull = new Set<() => void>();
  const onFull = () => {
    for (const tell of whenFull) tell();
  };
  const writer = createWriter(transport, { onFatal: options.onFatal ?? (() => {}), onFull });
  const close = async () => {
    const marked = await writer.last("markClosed", null).then(
      () => true,
      () => false,
    );
    const closeReader = () => void (reader !== db && reader.close());
    // The writer last: only a connection that may write can empty the WAL as it goes.
    if (marked) closeReader();
    await writer.close();
    // Where the end can not be written down the next start follows a crash: it looks closer, and wants the WAL.
    if (!marked) closeReader();
    lock?.release();
  };
  const store = createStore(reader, writer, { path: options.path, clock: options.clock, close });
  return { ...store, whenFull: (tell) => void whenFull.add(tell) };
}

/** The thread opens the file itself; the connection that checked and migrated it is done. */
async function splitConnections(
  db: Db,
  start: WriterStart,
  thread: Exclude<SqliteStoreOptions["thread"], false | undefined>,
) {
  const transport = await startWriterThread(thread instanceof URL ? thread : () => thread(start), start);
  try {
    const reader = openConnection({ ...start, mode: "read" });
    // After the thread's: closing the only connection would empty the WAL for nothing.
    db.close();
    return { transport, reader };
  } catch (error) {
    await transport.close();
    throw error;
  }
}

function inThread(db: Db, start: WriterStart): WriterTransport {
  const reserve = createReserve(db, start.path, start.reserveBytes);
  const run = createGroupRunner(db, createHandlers(db), start.busyTimeoutMs, reserve);
  return {
    run: async (group) => run(group),
    close: async () => void db.close(),
  };
}

function createReads(db: Db, path: string) {
  const { bySeq, ...deliveries } = createDeliveryReads(db);
  return {
    ...createStoryReads(db),
    ...createWorkReads(db),
    ...createFetchReads(db),
    ...createReplayReads(db),
    ...createEntityReads(db),
    erasePlan: createErasePlan(db),
    size: createSize(db, path),
    ...createLearnedReads(db),
    ...createAlertReads(db),
    ...createOperateReads(db),
    ...deliveries,
  };
}

function createStore(
  reader: Db,
  writer: Writer,
  { path, clock, close }: { path: string; clock: Clock; close: () => Promise<void> },
): Store {
  const { bySeq } = createDeliveryReads(reader);
  return {
    ...createReads(reader, path),
    close,
    accept: (request) => writer.call("accept", request),
    commitApply: (commit) => writer.call("apply", commit),
    awaitFetch: async (wait) => void (await writer.call("awaitFetch", wait)),
    settleFetch: async (settlement) => void (await writer.call("settleFetch", settlement)),
    markAttempt: async (mark) => void (await writer.call("markAttempt", mark)),
    settleDelivery: async (settlement) => void (await writer.call("settle", { settlement, at: clock.now() })),
    recoverInterrupted: async (now, waits = {}) => {
      const seqs = await writer.call("recover", { at: now, waits });
      return seqs.flatMap((seq) => bySeq(seq) ?? []);
    },
    retryDeadLetter: (id, audit) => writer.call("retryDead", { id, audit }),
    discardDeadLetter: (id, audit) => writer.call("discardDead", { id, audit }),
    editDeadLetter: (request) => writer.call("editDead", request),
    setPause: async (pause, audit) => void (await writer.call("setPause", { pause, audit })),
    clearPause: (kind, name, audit) => writer.call("clearPause", { kind, name, audit }),
    recordAudit: async (row) => void (await writer.call("recordAudit", row)),
    saveRevision: async (revision) => void (await writer.call("saveRevision", revision)),
    takeRevision: (taking) => writer.call("takeRevision", taking),
    seed: (request) => writer.call("seed", request),
    learnSecret: async (secret) => void (await writer.call("learnSecret", secret)),
    judgeSecret: async (call) => void (await writer.call("judgeSecret", call)),
    replay: (request) => writer.call("replay", request),
    purge: (request) => writer.call("purge", request),
    erase: (request) => writer.call("erase", request),
    unerase: (request) => writer.call("unerase", request),
    saveAlerts: async (save) => void (await writer.call("saveAlerts", save)),
    endAlertMessage: async (end) => void (await writer.call("endAlertMessage", end)),
    addSilence: async (silence, audit) => void (await writer.call("addSilence", { silence, audit })),
    endSilence: (id, audit) => writer.call("endSilence", { id, audit }),
    purgeAlerts: async (purge) => void (await writer.call("purgeAlerts", purge)),
  };
}

function lockStore(start: WriterStart): StoreLock {
  return takeLock({ path: start.path, nativeBinding: start.nativeBinding, holder: () => holderOf(start) });
}

function holderOf(start: WriterStart): number | undefined {
  try {
    const db = openConnection({ ...start, mode: "read" });
    try {
      return db.prepare<[], number>("SELECT pid FROM holder").pluck().get();
    } finally {
      db.close();
    }
  } catch {
    // Only the message is poorer: the other one may not have made the table yet.
    return undefined;
  }
}
