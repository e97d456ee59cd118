/** The engine as the listeners, the CLI and the test runner see it. `worker/engine.ts` builds it. */
import type { Revision } from "../config/revision.ts";
import type { Evaluator } from "../core/expression.ts";
import type { DeadLetterId, RawRequest } from "../core/types.ts";
import type { BreakerState } from "../delivery/breaker.ts";
import type { Pause, Store } from "../store/store.ts";
import type { IngestReply } from "./ingest.ts";

/** Who did something, and why: both go to the audit. */
export interface Actor {
  readonly actor: string;
  readonly reason: string;
}

/** What is to take the place of the revision at work. */
export interface Successor {
  readonly revision: Revision;
  /** The one at work, or another; that one is then closed when nothing uses it any more. */
  readonly evaluator: Evaluator;
  /** Connections that are the same in both: they are not opened anew. */
  readonly keep: ReadonlySet<string>;
  readonly by: Actor;
}

export interface Engine {
  /** The one at work. */
  readonly revision: Revision;
  readonly store: Store;
  /** What may be read of a body before it is refused, and which codings are undone; `undefined`: no source has this path. */
  limitFor(path: string): { readonly maxBytes: number; readonly codings: ReadonlySet<string> } | undefined;
  /** The answer to a request whose body is not to be read: from elsewhere, or too many now. Undefined: read it. */
  admit(request: { readonly path: string; readonly remoteAddress: string }): IngestReply | undefined;
  /** Takes a request to its answer; never throws for what a sender sends. */
  ingest(request: RawRequest): Promise<IngestReply>;
  /**
   * Recovers what a crash left, then works until `stop`. Gives what was moved and dropped, in words; fails (HK8041,
   * HK8042) when the revision would lose sight of live rows.
   */
  start(): Promise<readonly string[]>;
  /**
   * Puts another revision to work at an event boundary: no event sees two, attempts under way end with what they began
   * with. Gives what was moved and dropped. Fails as `start` does, or with HK8044; then all is as it was.
   */
  swap(next: Successor): Promise<readonly string[]>;
  /** Stops taking work, waits for attempts in flight (at most `graceMs`), closes sinks, evaluator and store. */
  stop(graceMs: number): Promise<void>;
  /** Works until nothing is ready or due at this instant: for `test` and dry runs, where time stands still. */
  drain(): Promise<void>;
  /** The next instant at which something falls due, ms since the epoch; `all` counts the ends of hold windows too. */
  nextDue(what: "all" | "deliveries"): Promise<number | undefined>;
  /** The state of each connection's breaker, by the revision at work. */
  breakers(): ReadonlyMap<string, BreakerState["kind"]>;
  pause(kind: Pause["kind"], name: string, by: Actor): Promise<void>;
  /** False when it was not paused. */
  resume(kind: Pause["kind"], name: string, by: Actor): Promise<boolean>;
  retryDead(id: DeadLetterId, by: Actor): Promise<boolean>;
  discardDead(id: DeadLetterId, by: Actor): Promise<boolean>;
}
