/**
 * Group commit: all calls of a group share one transaction and one fsync.
 *
 * A call that is refused undoes only itself: the group is rolled back and run again with a savepoint around each
 * call (rare, so the common path pays for none). A commit that fails refuses the whole group: nothing was
 * promised. After a fault of the disk the connection is poisoned, since a second fsync could report success for
 * pages that the first one lost (the lesson of "fsyncgate"): nothing is written until the file is opened again.
 * A full disk is no such fault: the reserve is spent, and while it is, nothing new is taken.
 */
import { type ErrorCode, HookrailError } from "../core/errors.ts";
import type { Argument, Call, CallName, Handlers, Result } from "./calls.ts";
import { type Db, sqliteCode } from "./connection.ts";
import type { Reserve } from "./reserve.ts";

/** Why a call was not done, as plain data. `fatal`: the writer is poisoned. */
export interface Fault {
  readonly code: ErrorCode;
  readonly data: Readonly<Record<string, string | number>>;
  readonly fatal: boolean;
}

export type CallOutcome =
  | { readonly ok: true; readonly value: Result<CallName> }
  | { readonly ok: false; readonly fault: Fault };

/** Runs groups on one write connection; gives one outcome for each call, in order. */
export type GroupRunner = (group: readonly Call[]) => readonly CallOutcome[];

/** How long a group waits while the ones before it have waited in vain, ms. */
const LOCKED_OUT_MS = 200;
const FULL: Fault = { code: "HK4008", data: {}, fatal: false };
/** What is new: refused while the reserve is spent. */
const NEW: ReadonlySet<CallName> = new Set<CallName>(["accept", "seed", "replay"]);

export function createGroupRunner(db: Db, handlers: Handlers, busyTimeoutMs: number, reserve?: Reserve): GroupRunner {
  let poison: Fault | undefined;
  let patienceMs = busyTimeoutMs;
  const transaction = createTransaction(db, handlers);
  const maxPages = Number(db.pragma("max_page_count", { simple: true }));
  let grows = true;
  return (group) => {
    if (reserve?.spent === true && !regain(reserve)) return runSpent(group, reserve);
    const outcomes = runGroup(group);
    if (reserve === undefined || reserve.spent || !outcomes.some(isFull)) return outcomes;
    reserve.spend();
    emptyWal();
    if (regain(reserve)) {
      // Of a store that has free pages inside, the WAL alone may have filled the disk.
      const again = runGroup(group);
      if (!again.some(isFull)) return again;
      reserve.spend(true);
      emptyWal();
    }
    return runSpent(group, reserve);
  };

  function runGroup(group: readonly Call[]): readonly CallOutcome[] {
    if (poison !== undefined) return refuseAll(group, poison);
    try {
      const outcomes = transaction.plain(group);
      wait(busyTimeoutMs);
      return outcomes;
    } catch (error) {
      const fault = groupFault(error, patienceMs);
      if (fault === undefined) return retryApart(group);
      if (fault.fatal) poison = fault;
      if (fault.code === "HK4011") wait(Math.min(busyTimeoutMs, LOCKED_OUT_MS));
      return refuseAll(group, fault);
    }
  }

  /** Goes on in the reserve's room, nothing new; each such commit may be the one that makes room. */
  function runSpent(group: readonly Call[], spent: Reserve): readonly CallOutcome[] {
    const waits = (name: CallName) => NEW.has(name);
    letGrow(!spent.low);
    const done = runInLittleRoom(group.filter(({ name }) => !waits(name)));
    if (done.length > 0) {
      emptyWal();
      regain(spent);
    }
    let next = 0;
    return group.map(({ name }) => (waits(name) ? { ok: false, fault: FULL } : (done[next++] as CallOutcome)));
  }

  /** What is too much for the room at once may fit one after the other. */
  function runInLittleRoom(group: readonly Call[]): readonly CallOutcome[] {
    const outcomes = runGroup(group);
    if (group.length < 2 || !outcomes.some(isFull)) return outcomes;
    return group.flatMap((call) => {
      emptyWal();
      return runGroup([call]);
    });
  }

  function regain(spent: Reserve): boolean {
    const freePages = Number(db.pragma("freelist_count", { simple: true }));
    const regained = spent.regain(freePages * Number(db.pragma("page_size", { simple: true })));
    if (regained) letGrow(!spent.tight);
    return regained;
  }

  /** Whether the file may be longer than it is now; what is free inside can be filled either way. */
  function letGrow(may: boolean): void {
    if (may === grows) return;
    grows = may;
    db.pragma(`max_page_count = ${may ? maxPages : Number(db.pragma("page_count", { simple: true }))}`);
  }

  /** Takes the WAL into the file and gives its room back. A reader may hold it, and the disk may be too full even for that. */
  function emptyWal(): void {
    wait(Math.min(busyTimeoutMs, LOCKED_OUT_MS));
    try {
      db.pragma("wal_checkpoint(TRUNCATE)");
    } catch (error) {
      const fault = groupFault(error, patienceMs);
      if (fault?.fatal === true) poison = fault;
    }
  }

  /** Who holds the lock once holds it for a while: the groups behind must not each wait the whole time, one after the other. */
  function wait(ms: number): void {
    if (ms === patienceMs) return;
    patienceMs = ms;
    db.pragma(`busy_timeout = ${ms}`);
  }

  function retryApart(group: readonly Call[]): readonly CallOutcome[] {
    try {
      return transaction.apart(group);
    } catch (error) {
      const fault = groupFault(error, busyTimeoutMs) ?? callFault("commit", error);
      if (fault.fatal) poison = fault;
      return refuseAll(group, fault);
    }
  }
}

/** A fault as the error the caller sees. */
export function faultError(fault: Fault): HookrailError {
  return new HookrailError(fault.code, fault.data);
}

function refuseAll(group: readonly Call[], fault: Fault): readonly CallOutcome[] {
  return group.map(() => ({ ok: false, fault }));
}

function createTransaction(db: Db, handlers: Handlers) {
  const sql = (text: string) => db.prepare(text);
  const [begin, commit, rollback] = [sql("BEGIN IMMEDIATE"), sql("COMMIT"), sql("ROLLBACK")];
  const [mark, release, undo] = [sql("SAVEPOINT one_call"), sql("RELEASE one_call"), sql("ROLLBACK TO one_call")];
  const apartCall = (call: Call): CallOutcome => {
    mark.run();
    try {
      const value = dispatch(handlers, call);
      release.run();
      return { ok: true, value };
    } catch (error) {
      if (isGroupError(error)) throw error;
      undo.run();
      release.run();
      return { ok: false, fault: callFault(call.name, error) };
    }
  };
  const inTransaction = (group: readonly Call[], one: (call: Call) => CallOutcome): readonly CallOutcome[] => {
    if (group.length === 0) return [];
    begin.run();
    try {
      const outcomes = group.map(one);
      commit.run();
      return outcomes;
    } catch (error) {
      // SQLITE_FULL and SQLITE_IOERR may have rolled back already.
      if (db.inTransaction) rollback.run();
      throw error;
    }
  };
  return {
    plain: (group: readonly Call[]) => inTransaction(group, (call) => ({ ok: true, value: dispatch(handlers, call) })),
    apart: (group: readonly Call[]) => inTransaction(group, apartCall),
  };
}

function dispatch<K extends CallName>(
  handlers: Handlers,
  call: { readonly name: K; readonly argument: Argument<K> },
): Result<K> {
  return handlers[call.name](call.argument);
}

function isFull(outcome: CallOutcome): boolean {
  return !outcome.ok && outcome.fault.code === FULL.code;
}

function isGroupError(error: unknown): boolean {
  return groupFault(error, 0) !== undefined;
}

/** The fault of an error that concerns the whole group; undefined when one call is to blame. */
function groupFault(error: unknown, busyTimeoutMs: number): Fault | undefined {
  const code = sqliteCode(error);
  if (code === undefined) return undefined;
  if (code === "SQLITE_FULL") return FULL;
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { code: "HK4011", data: { waitedMs: busyTimeoutMs }, fatal: false };
  if (/^SQLITE_(IOERR|CORRUPT|NOTADB|READONLY|CANTOPEN|NOMEM|PROTOCOL)/.test(code)) {
    return { code: "HK4009", data: { code }, fatal: true };
  }
  return undefined;
}

/** Messages of constraints name tables and columns, never values. */
function callFault(operation: string, error: unknown): Fault {
  if (error instanceof HookrailError) return { code: error.code, data: error.data, fatal: false };
  const reason = sqliteCode(error) !== undefined && error instanceof Error ? error.message : "unexpected value";
  return { code: "HK4012", data: { operation, reason }, fatal: false };
}
