/**
 * The writer's queue: whatever is asked while a group commits forms the next group, so that a busy store shares its
 * fsyncs and an idle one waits for nothing. While one group commits a second may be on its way, so that neither
 * thread waits for the other; it sets out only when it is large enough to be worth an fsync.
 */
import { fail, HookrailError } from "../core/errors.ts";
import type { Argument, Call, CallName, Result } from "./calls.ts";
import { type CallOutcome, faultError } from "./group.ts";

/** Runs groups somewhere (this thread or another), in the order they are given, and answers each once. */
export interface WriterTransport {
  run(group: readonly Call[]): Promise<readonly CallOutcome[]>;
  close(): Promise<void>;
}

/** Everything that changes the store goes through here. */
export interface Writer {
  /** Resolves after a durable commit. */
  call<K extends CallName>(name: K, argument: Argument<K>): Promise<Result<K>>;
  /** One more call, and from now on no other. */
  last<K extends CallName>(name: K, argument: Argument<K>): Promise<Result<K>>;
  /** Writes what is queued, then ends; later calls are refused. */
  close(): Promise<void>;
}

const MAX_GROUP_CALLS = 1000;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
const MAX_GROUPS = 2;
/** As many calls set out at once, and what this thread does in the rest of its turn is done beside their commit. */
const EARLY_CALLS = 24;
/** Events waiting beyond these are refused: senders keep them better than our memory does. */
const MAX_WAITING_EVENTS = 20_000;
const MAX_WAITING_BYTES = 128 * 1024 * 1024;

interface Waiting {
  readonly call: Call;
  readonly bytes: number;
  settle(outcome: CallOutcome): void;
  refuse(error: unknown): void;
}

/** What the writer learns beside the answers. */
export interface WriterEvents {
  /** Nothing more can be written; told once. */
  onFatal(error: HookrailError): void;
  /** The disk is full; told with each group that was refused for it. */
  onFull?(): void;
}

export function createWriter(transport: WriterTransport, { onFatal, onFull }: WriterEvents): Writer {
  let queue: Waiting[] = [];
  let waitingBytes = 0;
  /** Groups the writer has; never more than MAX_GROUPS. */
  const inFlight = new Set<Promise<void>>();
  let sendingSoon = false;
  let closed = false;
  let told = false;

  function tellFatal(error: HookrailError): void {
    if (told) return;
    told = true;
    onFatal(error);
  }

  function send(): void {
    const enough = () => inFlight.size === 0 || (inFlight.size < MAX_GROUPS && queue.length >= EARLY_CALLS);
    while (queue.length > 0 && enough()) {
      const group = runGroup(takeGroup());
      inFlight.add(group);
      void group.then(() => {
        inFlight.delete(group);
        send();
      });
    }
  }

  /** With the next turn of the loop: requests that came in with the same poll share the first commit. */
  function sendSoon(): void {
    if (sendingSoon) return;
    sendingSoon = true;
    setImmediate(() => {
      sendingSoon = false;
      send();
    });
  }

  function takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of queue) {
      if (count === MAX_GROUP_CALLS || (count > 0 && bytes + waiting.bytes > MAX_GROUP_BYTES)) break;
      bytes += waiting.bytes;
      count += 1;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    waitingBytes -= bytes;
    return group;
  }

  /** Never rejects. */
  async function runGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await transport.run(group.map((waiting) => waiting.call));
      group.forEach((waiting, index) => {
        const outcome = outcomes[index];
        if (outcome !== undefined) waiting.settle(outcome);
      });
      const fatal = outcomes.find((outcome) => !outcome.ok && outcome.fault.fatal);
      if (outcomes.some((outcome) => !outcome.ok && outcome.fault.code === "HK4008")) onFull?.();
      if (fatal?.ok === false) tellFatal(faultError(fatal.fault));
    } catch (error) {
      // The writer's thread is gone; whether the group was committed is not known.
      for (const waiting of group) waiting.refuse(error);
      tellFatal(
        error instanceof HookrailError
          ? error
          : new HookrailError("HK4010", { reason: "the writer ended" }, { cause: error }),
      );
    }
  }

  const writer: Writer = {
    async call(name, argument) {
      if (closed) fail("HK4010", { reason: "it was closed" });
      const call = { name, argument } as Call;
      const bytes = bodyBytes(call);
      if (call.name === "accept" && (queue.length >= MAX_WAITING_EVENTS || waitingBytes > MAX_WAITING_BYTES)) {
        fail("HK4019", { waiting: queue.length });
      }
      const answer = new Promise<Result<typeof name>>((resolve, reject) => {
        const settle = (outcome: CallOutcome) => {
          if (outcome.ok) resolve(outcome.value as Result<typeof name>);
          else reject(faultError(outcome.fault));
        };
        queue.push({ call, bytes, settle, refuse: reject });
      });
      waitingBytes += bytes;
      if (queue.length >= EARLY_CALLS) send();
      else sendSoon();
      return answer;
    },
    last(name, argument) {
      // It is queued before `call` waits for anything.
      const answer = writer.call(name, argument);
      closed = true;
      return answer;
    },
    async close() {
      closed = true;
      send();
      while (inFlight.size > 0) await Promise.all(inFlight);
      await transport.close();
    },
  };
  return writer;
}

function bodyBytes(call: Call): number {
  if (call.name !== "accept") return 0;
  return call.argument.events.reduce((sum, event) => sum + event.body.byteLength, 0);
}
