/** What the writer can be asked to do: one name, one argument and one result each; plain data, so that it can cross a thread. */
import type { DeadLetterId, EntityRef } from "../core/types.ts";
import type { AlertMessageEnd, AlertPurge, AlertSave, Silence } from "./alert-records.ts";
import type {
  AcceptRequest,
  AcceptResult,
  ApplyCommit,
  ApplyResult,
  AttemptMark,
  AuditRow,
  DeliverySettlement,
  EditRequest,
  EditResult,
  EraseRequest,
  EraseResult,
  FetchSettlement,
  FetchWait,
  JudgedSecretCall,
  LearnedSecret,
  Pause,
  PurgeRequest,
  PurgeResult,
  ReplayRequest,
  ReplayResult,
  RevisionRecord,
  RevisionTaken,
  RevisionTaking,
  SeedRequest,
  SeedResult,
} from "./store.ts";

/** Argument and result of each call. */
export interface CallTable {
  accept: { argument: AcceptRequest; result: readonly AcceptResult[] };
  apply: { argument: ApplyCommit; result: ApplyResult };
  awaitFetch: { argument: FetchWait; result: null };
  settleFetch: { argument: FetchSettlement; result: null };
  markAttempt: { argument: AttemptMark; result: null };
  /** `at` dates an end that had no attempt. */
  settle: { argument: { readonly settlement: DeliverySettlement; readonly at: number }; result: null };
  /** Gives the seqs of the deliveries that were in flight. `waits`: ms until the next attempt, by connection. */
  recover: {
    argument: { readonly at: number; readonly waits?: Readonly<Record<string, number>> };
    result: readonly number[];
  };
  retryDead: { argument: { readonly id: DeadLetterId; readonly audit: AuditRow }; result: boolean };
  discardDead: { argument: { readonly id: DeadLetterId; readonly audit: AuditRow }; result: boolean };
  editDead: { argument: EditRequest; result: EditResult };
  setPause: { argument: { readonly pause: Pause; readonly audit: AuditRow }; result: null };
  clearPause: {
    argument: { readonly kind: Pause["kind"]; readonly name: string; readonly audit: AuditRow };
    result: boolean;
  };
  recordAudit: { argument: AuditRow; result: null };
  saveRevision: { argument: RevisionRecord; result: null };
  takeRevision: { argument: RevisionTaking; result: RevisionTaken };
  learnSecret: { argument: LearnedSecret; result: null };
  judgeSecret: { argument: JudgedSecretCall; result: null };
  seed: { argument: SeedRequest; result: SeedResult };
  erase: { argument: EraseRequest; result: EraseResult };
  /** Lifts a tombstone; false when there is none. */
  unerase: { argument: EntityRef & Omit<EraseRequest, "plan">; result: boolean };
  /** The store is about to be closed in order. */
  markClosed: { argument: null; result: null };
  replay: { argument: ReplayRequest; result: ReplayResult };
  purge: { argument: PurgeRequest; result: PurgeResult };
  saveAlerts: { argument: AlertSave; result: null };
  endAlertMessage: { argument: AlertMessageEnd; result: null };
  addSilence: { argument: { readonly silence: Silence; readonly audit: AuditRow }; result: null };
  /** False: none of that id lasts. Ends at the audit row's instant. */
  endSilence: { argument: { readonly id: string; readonly audit: AuditRow }; result: boolean };
  purgeAlerts: { argument: AlertPurge; result: null };
}

export type CallName = keyof CallTable;
export type Argument<K extends CallName> = CallTable[K]["argument"];
export type Result<K extends CallName> = CallTable[K]["result"];

/** One call, as it is queued. */
export type Call = { [K in CallName]: { readonly name: K; readonly argument: Argument<K> } }[CallName];

/**
 * How each call is done inside the group's transaction. What can be refused is checked before anything is
 * written; a throw after a write makes the group run again with a savepoint for each call.
 */
export type Handlers = { readonly [K in CallName]: (argument: Argument<K>) => Result<K> };
