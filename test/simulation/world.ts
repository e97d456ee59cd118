/**
 * One run: the production engine over a virtual clock, the real store in memory, simulated senders, sinks, operators
 * and crashes. One seed decides all of it. The engine dies at the boundary of a commit or stops in good order; another
 * is built over the same store. In the end all is healed, and everything must come to its end.
 */
import { createHash } from "node:crypto";
import type { Revision } from "../../engine/config/revision.ts";
import type { Evaluator } from "../../engine/core/expression.ts";
import { createCountingIds } from "../../engine/core/ids.ts";
import type { Engine } from "../../engine/flow/engine.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store } from "../../engine/store/store.ts";
import { createEngine } from "../../engine/worker/engine.ts";
import { createSimClock, mortalClock } from "../support/sim-clock.ts";
import { createDice } from "../support/sim-random.ts";
import { createSimSinks } from "../support/sim-sink.ts";
import { createSimStore, type Life } from "../support/sim-store.ts";
import { createFates } from "./fates.ts";
import type { Operation, Plan, Planned, Scenario } from "./scenario.ts";
import { createWatch } from "./watch.ts";

/** What a run came to. */
export interface Run {
  readonly seed: number;
  /** SHA-256 of the trace: two runs of a seed have the same. */
  readonly hash: string;
  readonly trace: readonly string[];
  /** Broken promises; empty when all is well. */
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly evaluator: Evaluator;
  /** Leaves out these planned events: to make a failing seed smaller. */
  readonly without?: ReadonlySet<string>;
  /** No crashes, refusals or operations. */
  readonly calm?: boolean;
}

/** Turns of the event loop without any activity after which an instant is over. */
const QUIET_TURNS = 8;
const maxInstants = 20_000;

export async function simulate(options: RunOptions): Promise<Run> {
  const world = await openWorld(options);
  try {
    await world.live();
    await world.heal();
    await world.watch.finish();
  } catch (error) {
    world.watch.problem(`the run ended with ${error instanceof Error ? error.stack : String(error)}`);
  } finally {
    await world.store.close();
  }
  const { watch, trace } = world;
  return {
    seed: options.seed,
    hash: createHash("sha256").update(trace.join("\n")).digest("hex"),
    trace,
    problems: watch.problems,
    counts: watch.counts,
  };
}

interface Arrival {
  readonly at: number;
  readonly planned: Planned;
  nth: number;
}

interface Running {
  readonly life: Life;
  readonly engine: Engine;
  /** It takes no requests any more, or not yet. */
  closed: boolean;
}

async function openWorld({ scenario, seed, evaluator, without, calm }: RunOptions) {
  const dice = createDice(seed);
  const full = scenario.plan(dice);
  const plan: Plan = { ...full, events: full.events.filter((one) => without?.has(one.name) !== true) };
  const clock = createSimClock(plan.start);
  const trace: string[] = [];
  const say = (line: string) => void trace.push(`${clock.now() - plan.start} ${line}`);
  const store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  let activity = 0;
  const onActivity = () => void activity++;
  const sinks = createSimSinks({
    clock,
    dice,
    outages: calm ? [] : plan.outages,
    classOf: (connection) => scenario.classOf(connection),
    onActivity,
    trace: say,
  });
  if (calm) sinks.heal();
  const watch = createWatch({ scenario, plan, store, sinks, clock });
  const fates = createFates(dice, calm === true);
  const ids = createCountingIds();
  let lives = 0;
  let running: Running | undefined;

  const connections: Revision["connections"] = new Map(
    [...scenario.revision.connections].map(([name, connection]) => [
      name,
      { ...connection, open: async () => sinks.open(connection, () => lives) },
    ]),
  );
  const revision = { ...scenario.revision, connections };

  function boot(): void {
    const life: Life = { number: ++lives, dead: false, end: Promise.withResolvers<void>(), waiting: 0 };
    const jitter = (() => {
      let n = 0;
      return () => dice.roll("jitter", life.number, n++);
    })();
    const engine = createEngine({
      revision,
      store: createSimStore({
        store,
        life,
        fate: fates.next,
        onActivity,
        onCommit(call, argument, result) {
          say(`commit ${call} ${JSON.stringify(argument, hideBytes)}`);
          watch.committed(call, argument, result);
        },
      }),
      evaluator: { ...evaluator, close: async () => {} },
      clock: mortalClock(clock, () => life.dead),
      ids,
      random: jitter,
      observer: silentObserver,
    });
    const mine: Running = { life, engine, closed: false };
    running = mine;
    say(`life ${life.number}`);
    void engine.start().catch(() => {
      life.dead = true;
      life.end.resolve();
    });
    void life.end.promise.then(() => {
      if (running !== mine) return;
      running = undefined;
      say(`death ${life.number}`);
      watch.died();
      clock.after(dice.int(0, 20_000, "down", life.number), boot);
      onActivity();
    });
  }

  /** Lets all happen that happens at this instant. */
  async function settle(): Promise<void> {
    let seen = -1;
    for (let quiet = 0; quiet < QUIET_TURNS; ) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const waiting = running?.life.dead === false ? running.life.waiting : 0;
      quiet = activity === seen && waiting === 0 ? quiet + 1 : 0;
      seen = activity;
    }
  }

  /** A sender waits for an answer as long as the engine lives, and sends again until it has a good one. */
  async function send(arrival: Arrival): Promise<void> {
    const { planned } = arrival;
    const nth = arrival.nth;
    const again = () => {
      const ms = dice.int(500, 30_000, "again", planned.name, arrival.at, nth);
      clock.after(ms, () => void send({ at: arrival.at, planned, nth: nth + 2 }));
    };
    onActivity();
    const there = running;
    if (there === undefined || there.closed) return again();
    watch.sent(planned);
    const reply = await Promise.race([
      there.engine.ingest(planned.request(clock.now(), nth)),
      there.life.end.promise.then(() => undefined),
    ]);
    onActivity();
    say(
      `answer ${planned.name} ${reply === undefined ? "none" : `${reply.status} ${reply.headers["x-hookrail-event"]}`}`,
    );
    if (reply === undefined || reply.status === 503) return again();
    watch.answered(planned, reply);
  }

  async function operate(operation: Operation): Promise<void> {
    const there = running;
    const { target } = operation;
    const by = { actor: "sim", reason: "simulated" };
    onActivity();
    if (there === undefined || there.closed) return;
    say(`operate ${operation.kind} ${target?.name ?? ""}`);
    try {
      if (operation.kind === "stop") return await stop(there);
      if (operation.kind === "retry_dead") {
        const open = await store.deadLetters({ status: "open", limit: 100 });
        const one = open[dice.int(0, Math.max(0, open.length - 1), "letter", operation.at)];
        if (one !== undefined) await there.engine.retryDead(one.id, by);
      }
      if (target === undefined) return;
      if (operation.kind === "pause") {
        await there.engine.pause(target.kind, target.name, by);
        if (running === there && !there.life.dead) watch.paused(target);
      }
      if (operation.kind === "resume") {
        watch.resumed(target);
        await there.engine.resume(target.kind, target.name, by);
      }
    } catch {
      // A refused commit: the operator sees it and tries again.
      clock.after(1_000, () => void operate(operation));
    } finally {
      onActivity();
    }
  }

  async function stop(there: Running): Promise<void> {
    there.closed = true;
    await there.engine.stop(2 ** 30);
    there.life.dead = true;
    there.life.end.resolve();
  }

  /** Moves the clock from timer to timer until `until` or until `done` says so. */
  async function run(until: number, done: () => Promise<boolean>): Promise<boolean> {
    await settle();
    for (let instants = 0; instants < maxInstants; instants++) {
      if (await done()) return true;
      const next = clock.next();
      if (next === undefined || next > until) break;
      clock.moveTo(next);
      await settle();
    }
    if (clock.now() < until) clock.moveTo(until);
    await settle();
    return done();
  }

  return {
    store,
    trace,
    watch,
    async live(): Promise<void> {
      boot();
      for (const planned of plan.events)
        for (const [nth, at] of planned.arrivals.entries())
          clock.after(at - plan.start, () => void send({ at, planned, nth }));
      if (!calm)
        for (const operation of plan.operations) clock.after(operation.at - plan.start, () => void operate(operation));
      await run(plan.end, async () => false);
    },
    async heal(): Promise<void> {
      sinks.heal();
      fates.end();
      say("healed");
      await run(clock.now() + 60_000, async () => running !== undefined && !running.closed && watch.allAnswered());
      if (running === undefined) throw new Error("no engine came back");
      const { engine } = running;
      const by = { actor: "sim", reason: "healed" };
      for (const pause of await store.pauses()) {
        watch.resumed(pause);
        await engine.resume(pause.kind, pause.name, by);
      }
      for (let round = 0; round < 6; round++) {
        await run(clock.now() + 20 * 60_000, async () => watch.allAnswered() && (await isIdle(store)));
        const { openDeliveries } = await store.counts();
        if (openDeliveries > 0) watch.problem(`${openDeliveries} deliveries are open, 20 minutes after all was healed`);
        const open = [...(await store.deadLetters({ status: "open", limit: 1_000 }))].reverse();
        const hopeful = open.filter((letter) => !watch.isHopeless(letter));
        if (hopeful.length === 0 && (await isIdle(store))) break;
        for (const letter of hopeful) await engine.retryDead(letter.id, by);
      }
      for (const letter of await store.deadLetters({ status: "open", limit: 1_000 })) {
        if (watch.isHopeless(letter)) await engine.discardDead(letter.id, by);
      }
      await settle();
    },
  };
}

async function isIdle(store: Store): Promise<boolean> {
  const counts = await store.counts();
  return counts.ready === 0 && counts.held === 0 && counts.openDeliveries === 0;
}

function hideBytes(key: string, value: unknown): unknown {
  if (key === "body" || key === "files") return undefined;
  return value;
}
