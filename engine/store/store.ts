/**
 * The store: one async interface that every implementation must keep (test/contract/store.contract.ts).
 *
 * Comes in: accepted events, what the apply step decided, what attempts came to. Goes out: work that is ready,
 * deliveries that are due, and the stories that `explain` and `plan` tell. Every method that changes something
 * resolves only after a durable commit (SQLite: WAL, synchronous=FULL); calls in flight share one commit.
 * A rejected promise means: not promised (it may still be stored; dedupe absorbs the resend).
 */
import type { DeadLetterId, EntityRef, Json } from "../core/types.ts";
import type { AlertReads, AlertWrites } from "./alert-records.ts";
import type { AttemptMark, DeliveryRecord, DeliverySettlement } from "./delivery-records.ts";
import type { RevisionTaken, RevisionTaking } from "./naming.ts";
import type {
  DeadLetter,
  ErasePlan,
  EraseRequest,
  EraseResult,
  EventFilter,
  EventStory,
  EventSummary,
  JudgedSecretCall,
  LearnedSecret,
  LineageRow,
  Pause,
  PurgeRequest,
  PurgeResult,
  ReplayRequest,
  ReplayResult,
  RevisionRecord,
  SeedMark,
  SeedRequest,
  SeedResult,
  StoreBacklog,
  StoreCounts,
  StoreSize,
} from "./readings.ts";
import type {
  AcceptRequest,
  AcceptResult,
  ApplyCommit,
  ApplyResult,
  AuditRow,
  EditRequest,
  EditResult,
  EntityRecord,
  FetchSettlement,
  FetchTask,
  FetchWait,
  OnceMark,
  OpenUpsert,
  Snapshot,
  StoredAnswer,
  StoredEvent,
  WorkItem,
} from "./records.ts";

// The contract has one address.
export type * from "./alert-records.ts";
export type * from "./delivery-records.ts";
export type * from "./naming.ts";
export type * from "./readings.ts";
export type * from "./records.ts";

/** What commands may do beside the running engine: nothing that changes anything. */
export interface StoreReader extends AlertReads {
  events(filter: EventFilter): Promise<readonly EventSummary[]>;
  /** By our id, the provider's id, or an unambiguous start of ours (8 characters or more). */
  story(id: string): Promise<EventStory | undefined>;
  event(seq: number): Promise<StoredEvent | undefined>;
  /** By key or any linked id (`idName` absent: the key). */
  entity(type: string, id: string, idName?: string): Promise<EntityRecord | undefined>;
  entities(type: string, limit: number): Promise<readonly EntityRecord[]>;
  /** Newest first. */
  lineage(entity: EntityRef, attribute: string, limit: number): Promise<readonly LineageRow[]>;
  deadLetters(filter: {
    readonly status?: "open" | "retried" | "discarded";
    readonly pipeline?: string;
    readonly limit?: number;
  }): Promise<readonly DeadLetter[]>;
  deadLetter(id: string): Promise<DeadLetter | undefined>;
  revision(hash: string): Promise<RevisionRecord | undefined>;
  pauses(): Promise<readonly Pause[]>;
  audit(limit: number): Promise<readonly AuditRow[]>;
  counts(): Promise<StoreCounts>;
  backlog(): Promise<StoreBacklog>;
  size(): Promise<StoreSize>;
  /** Newest first; of one source, or of all. */
  learnedSecrets(source?: string): Promise<readonly LearnedSecret[]>;
  /** What was ever seeded, by entity. */
  seeds(): Promise<readonly SeedMark[]>;
  /** All that is held of an entity and of what belongs to it. */
  erasePlan(type: string, key: string): Promise<ErasePlan>;
  /** What was fetched last for an event in a pipeline. */
  fetched(eventSeq: number, pipeline: string): Promise<StoredAnswer | undefined>;
  /** Turns of replays that are still to come. */
  replaysPending(): Promise<number>;
  close(): Promise<void>;
}

export interface Store extends StoreReader, AlertWrites {
  accept(request: AcceptRequest): Promise<readonly AcceptResult[]>;

  /** Ready work with `seq` above `after`, in order, with the events' bodies. */
  readyWork(after: number, limit: number): Promise<readonly WorkItem[]>;
  /** Held work that waits for this entity, whose window has ended by `endedBy`, or with `seq` above `after`, in order. */
  heldWork(filter: {
    readonly entity?: EntityRef;
    readonly endedBy?: number;
    readonly after?: number;
    readonly limit: number;
  }): Promise<readonly WorkItem[]>;
  /** Replayed work with `seq` above `after`, in order; `wait`: first what earlier replays gave birth to has to be delivered. */
  replayWork(after: number, limit: number): Promise<readonly WorkItem[] | "wait">;
  /** Work by its seqs, what waits for a GET among it; what is done is left out. */
  workItems(seqs: readonly number[]): Promise<readonly WorkItem[]>;
  /** Puts a turn aside until its GET is done: `readyWork` and `replayWork` pass over it. */
  awaitFetch(wait: FetchWait): Promise<void>;
  /** GETs over a connection that are due, oldest first, each with all turns that wait for it; `busy`: those under way. */
  dueFetches(
    connection: string,
    now: number,
    room: { readonly limit: number; readonly busy: ReadonlySet<string> },
  ): Promise<readonly FetchTask[]>;
  /** When the connection's next GET falls due. */
  nextFetch(connection: string, busy: ReadonlySet<string>): Promise<number | undefined>;
  /** Turns that do not wait any more are passed over. */
  settleFetch(settlement: FetchSettlement): Promise<void>;
  /** When the next hold window ends, ms since the epoch. */
  nextHoldEnd(): Promise<number | undefined>;

  /** Key of the entity that has this id; undefined when no entity has it. */
  resolveId(type: string, idName: string, value: string): Promise<string | undefined>;
  /** Entities by ref, and all children of the entities named in `childrenOf`. */
  snapshot(
    refs: readonly EntityRef[],
    childrenOf: readonly { readonly parent: EntityRef; readonly childType: string }[],
  ): Promise<Snapshot>;
  /** Upserts of the entity that are not settled yet, to any connection, oldest first. */
  openUpserts(entity: EntityRef): Promise<readonly OpenUpsert[]>;
  /** Attribute values this connection last acknowledged for the entity, as far as they were brought to this place, or to any of these (core/place.ts). */
  acknowledged(connection: string, entity: EntityRef, places: string): Promise<Readonly<Record<string, Json>>>;
  /** Seq of the upsert that was last tried for the entity at this connection. */
  lastTried(connection: string, entity: EntityRef): Promise<number | undefined>;
  /** Which of these marks exist already. */
  onceMarked(marks: readonly OnceMark[]): Promise<readonly boolean[]>;
  commitApply(commit: ApplyCommit): Promise<ApplyResult>;

  /**
   * Deliveries of the connection that are due, oldest first, one per lane (connection, entity): an earlier open
   * delivery of the lane blocks the later ones. `busy` holds the lanes that are in flight, as `type/key`.
   */
  dueDeliveries(
    connection: string,
    now: number,
    limit: number,
    busy: ReadonlySet<string>,
  ): Promise<readonly DeliveryRecord[]>;
  /** When the connection's next delivery falls due, lanes in `busy` left out. */
  nextDue(connection: string, busy?: ReadonlySet<string>): Promise<number | undefined>;
  /** Marks an attempt durably before it is sent, and freezes the request with the first. */
  markAttempt(mark: AttemptMark): Promise<void>;
  settleDelivery(settlement: DeliverySettlement): Promise<void>;
  /**
   * After a crash: attempts that were marked and never settled; they become `unknown`. Called once at start. `waits`:
   * how long the sink of a connection may still be at work on what was sent, ms; 0 where it is not given.
   */
  recoverInterrupted(now: number, waits?: Readonly<Record<string, number>>): Promise<readonly DeliveryRecord[]>;

  /** Opens a dead letter again: event work becomes ready, a delivery becomes due with its frozen request. */
  retryDeadLetter(id: DeadLetterId, audit: AuditRow): Promise<boolean>;
  discardDeadLetter(id: DeadLetterId, audit: AuditRow): Promise<boolean>;
  /** Keeps a corrected body beside the received one and gives the event its turn with it. Anything but `done` changed nothing. */
  editDeadLetter(request: EditRequest): Promise<EditResult>;
  setPause(pause: Pause, audit: AuditRow): Promise<void>;
  clearPause(kind: Pause["kind"], name: string, audit: AuditRow): Promise<boolean>;
  /** What a person did that changes nothing else, such as a look at sensitive values. */
  recordAudit(row: AuditRow): Promise<void>;
  saveRevision(revision: RevisionRecord): Promise<void>;
  /**
   * Puts a revision in force: live rows follow `moved`, those of `drop` end, and nothing is written when other names
   * that it no longer declares are held by live rows. Nothing may be in flight that names what moves.
   */
  takeRevision(taking: RevisionTaking): Promise<RevisionTaken>;
  /** Entities loaded from what the CRM already knows; what is there already is left alone. */
  seed(request: SeedRequest): Promise<SeedResult>;
  /** Keeps a secret a provider told us; one that is there stays as it is. */
  learnSecret(secret: LearnedSecret): Promise<void>;
  judgeSecret(call: JudgedSecretCall): Promise<void>;
  /** Gives events that had their turn another one. */
  replay(request: ReplayRequest): Promise<ReplayResult>;
  /** Retention, a chunk at a time: call again while `more`. Bodies that open work or dead letters need stay. */
  purge(request: PurgeRequest): Promise<PurgeResult>;
  /** Forgets all of a plan, and leaves tombstones: no event brings the entity back. */
  erase(request: EraseRequest): Promise<EraseResult>;
  /** Lets an erased entity come back with its next event; false when it was not erased. */
  unerase(request: EntityRef & Omit<EraseRequest, "plan">): Promise<boolean>;
  /** Tells each time that something was refused because the disk is full: purging makes room. */
  whenFull?(tell: () => void): void;
}
