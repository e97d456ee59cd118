/**
 * One reader of the live facts, as server-sent events: what it missed, then each new fact that passes its filter. What
 * it does not take in time is dropped and counted, so that no reader can fill the memory; and it is told how much.
 */
import { Readable } from "node:stream";
import type { Clock } from "../core/clock.ts";
import { type Live, type LiveFact, type LiveFilter, passes } from "../flow/live.ts";

export interface LiveReading {
  readonly filter: LiveFilter;
  /** The `id:` it heard last, to go on from; absent: from now on. */
  readonly after?: string;
  /** The newest so many that are still known come first. */
  readonly last?: number;
  /** At most so many a second; absent: all it can take. */
  readonly perSecond?: number;
  /** False: it ends with what is known. */
  readonly follow: boolean;
}

export interface LiveStreamDeps {
  readonly live: Live;
  readonly clock: Clock;
  /** What of a fact may be shown. */
  readonly show: (fact: LiveFact) => object;
  /** Asked each second: whether the reader may still hear. */
  readonly stillMay: () => boolean;
}

/** Texts that wait for a slow reader. */
const MAX_WAITING = 1_000;
const WINDOW_MS = 1_000;
/** Keeps proxies from ending a silent connection, and shows us readers that are gone. */
const HEARTBEAT_MS = 15_000;

/** The stream of one reader; it listens until it is destroyed, or the engine stops. */
export function createLiveStream(reading: LiveReading, { live, clock, show, stillMay }: LiveStreamDeps): Readable {
  const waiting: string[] = [];
  let hungry = false;
  let over = false;
  const count = { shown: 0, of: 0 };
  let cancelTimer = () => {};
  let leave = () => {};
  const stream = new Readable({
    highWaterMark: 64 * 1024,
    read() {
      hungry = true;
      flush();
    },
    destroy(error, done) {
      over = true;
      cancelTimer();
      leave();
      done(error);
    },
  });
  const flush = () => {
    while (hungry && waiting.length > 0) hungry = stream.push(waiting.shift());
    if (over && waiting.length === 0 && !stream.readableEnded && !stream.destroyed) stream.push(null);
  };
  const write = (text: string) => {
    waiting.push(text);
    flush();
  };
  const tell = (fact: LiveFact) => {
    const { seq, at, ...rest } = fact;
    const shown = { at: new Date(at).toISOString(), ...show({ seq, at, ...rest }) };
    write(message("fact", shown, `${live.name}-${seq}`));
  };
  const hear = (fact: LiveFact) => {
    if (over || !passes(fact, reading.filter)) return;
    count.of++;
    const full = waiting.length >= MAX_WAITING;
    // Somebody has to see to a dead letter: only a reader that takes nothing at all misses one.
    const tooMany = reading.perSecond !== undefined && count.shown >= reading.perSecond && fact.stage !== "dead";
    if (full || tooMany) return;
    count.shown++;
    tell(fact);
  };
  const endWindow = () => {
    if (count.of > count.shown) write(message("sampled", { ...count }));
    count.shown = 0;
    count.of = 0;
  };
  const endWith = (why: string) => {
    endWindow();
    write(message("end", { why }));
    end();
  };
  let sinceBeat = 0;
  const tick = () => {
    if (!stillMay()) {
      leave();
      endWith("the token no longer allows this");
      return;
    }
    endWindow();
    sinceBeat += WINDOW_MS;
    if (sinceBeat >= HEARTBEAT_MS) {
      sinceBeat = 0;
      if (waiting.length === 0) write(": still here\n\n");
    }
    cancelTimer = clock.after(WINDOW_MS, tick);
  };
  write(message("hello", { format_version: "1.0", live: live.name }));
  for (const fact of missedBy(reading, live, () => write(message("gap", { why: "some facts are no longer known" }))))
    if (passes(fact, reading.filter)) tell(fact);
  const end = () => {
    over = true;
    cancelTimer();
    flush();
  };
  if (!reading.follow) {
    end();
    return stream;
  }
  cancelTimer = clock.after(WINDOW_MS, tick);
  leave = live.listen({
    hear,
    end: () => endWith("the engine stops"),
  });
  return stream;
}

/** Facts from before: those after the one it heard last, or the newest few. */
function missedBy({ filter, after, last }: LiveReading, live: Live, gap: () => void): readonly LiveFact[] {
  if (after !== undefined) {
    const [, name, seq] = /^(.*)-(\d+)$/.exec(after) ?? [];
    const same = name === live.name;
    const { facts, missed } = live.since(same ? Number(seq) : 0);
    // The engine has started anew since: what it did before it stopped is not known here.
    if (missed || !same) gap();
    return facts;
  }
  if (last === undefined || last === 0) return [];
  return live
    .since(0)
    .facts.filter((fact) => passes(fact, filter))
    .slice(-last);
}

function message(event: string, data: object, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
