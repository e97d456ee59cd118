/**
 * The alerts of a running engine. Each look: count events against what was promised, find what is wrong, bring alerts up to
 * date, keep all of it in one transaction, tell channels. Where the store fails, messages go from memory.
 */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import type { AlertSave, Silence, Store } from "../store/store.ts";
import { type Alert, fromRecord, toRecord } from "./alert.ts";
import { countEvents, firstCursors } from "./counting.ts";
import { alertDocument } from "./document.ts";
import { aroundFindings } from "./find-around.ts";
import { flowFindings } from "./find-flow.ts";
import type { Finding, World } from "./finding.ts";
import { createHands, type Hands } from "./hands.ts";
import { HOURS_KEPT_MS } from "./heartbeat.ts";
import { createKnown, type Known } from "./known.ts";
import { createLasting } from "./lasting.ts";
import { channelsFor } from "./routes.ts";
import { asJson, createSender, type DirectMessage, type SenderDeps } from "./sender.ts";
import { silencedBy } from "./silences.ts";
import { type Budget, bucketOf, budgetOf } from "./slo.ts";
import { type Message, step } from "./step.ts";
import { createWatch } from "./watch.ts";

export interface AlertsDeps extends Omit<SenderDeps, "onHanded" | "channel" | "store"> {
  readonly engine: () => Pick<Engine, "revision" | "breakers">;
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: (prefix: string) => string;
  /** Takes personal data out of a text. */
  readonly mask: (text: string) => string;
  /** The last reload, where the files are refused. */
  readonly reloadRefused: () => World["reloadRefused"];
  /** Of what the flow itself has no word for. */
  readonly onFault: Observer["fault"];
  /** Hears how many events were in time, and how many alerts are open. */
  readonly told: Required<Pick<Observer, "judged" | "alerting">>;
}

export interface Alerts {
  /** Hears the flow. */
  readonly observer: Observer;
  start(): Promise<void>;
  /** Counts, finds and tells once; for tests on a virtual clock. */
  look(): Promise<void>;
  /** Keeps what was heard; messages that are not sent yet stay in the store. */
  stop(): Promise<void>;
  readonly known: Known;
  readonly hands: Hands;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Minutes of the last two days, hours before. */
const FINE_MS = 2 * DAY;
const KEPT_MS = 90 * DAY;
const FLUSH_MS = 60_000;
const PURGE_MS = HOUR;
const NOTHING: AlertSave = { counts: [], cursors: [], hours: [], alerts: [], messages: [] };

export function createAlerts(deps: AlertsDeps): Alerts {
  const { store, clock } = deps;
  const watch = createWatch(clock);
  const startedAt = clock.now();
  const revision = (): Revision => deps.engine().revision;
  const known = createKnown({ ...deps, revision });
  const { series } = known;
  const cursors = new Map<string, number>();
  const openBreakers = new Map<string, number>();
  const lasting = createLasting();
  /** Alerts the store has not taken yet. */
  const unkept = new Map<string, Alert>();
  /** Counted in this look. */
  let fresh: AlertSave["counts"] = [];
  const lately = (pipeline: string) => {
    const own = fresh.filter((count) => count.pipeline === pipeline);
    return { good: own.reduce((sum, { good }) => sum + good, 0), late: own.reduce((sum, { bad }) => sum + bad, 0) };
  };
  let history: number | undefined;
  let flushedAt = startedAt;
  let purgedAt = 0;
  const sender = createSender({
    ...deps,
    channel: (name) => revision().channels.get(name),
    onHanded(id, from, to) {
      known.hand(id, from, to);
      const alert = known.open().find((one) => one.id === id);
      if (alert !== undefined) unkept.set(id, alert);
    },
  });
  known.onHealth(sender.health);

  const budgetsAt = (now: number): readonly Budget[] =>
    revision().pipelines.map((one) => budgetOf(one, series, { budget: revision().alerting.budget, now }));

  async function load(): Promise<void> {
    const now = clock.now();
    for (const count of await store.sloCounts(now - Math.max(revision().alerting.budget.windowMs, 3 * DAY)))
      series.add(count);
    for (const { pipeline, seq } of await store.sloCursors()) cursors.set(pipeline, seq);
    watch.listener.load(await store.sourceHours(now - HOURS_KEPT_MS));
    const open = (await store.alerts({ open: true, limit: 1_000 })).map(fromRecord);
    known.setOpen(open);
    lasting.resume(open);
    known.setSilences(await store.silences(now));
    known.setBudgets(budgetsAt(now));
    store.whenFull?.(watch.full);
  }

  /** Kept before it counts, so that after a crash no event counts twice. */
  async function count(now: number): Promise<void> {
    const first = await firstCursors(revision(), cursors, store);
    const from = new Map([...cursors, ...first.map(({ pipeline, seq }) => [pipeline, seq] as const)]);
    const bucketMs = bucketOf(revision().alerting.budget.burn);
    const counted = await countEvents(revision().pipelines, from, { store, now, bucketMs });
    const refused = await store.refusedSince(history);
    history = refused.last;
    for (const pipeline of refused.refused) watch.recent.add(`refused ${pipeline}`, 1, now);
    for (const pipeline of counted.drifted) watch.recent.add(`drift ${pipeline}`, 1, now);
    const moved = mergeCursors(first, counted.cursors);
    const hours = now - flushedAt >= FLUSH_MS ? watch.listener.take() : [];
    if (moved.length + counted.counts.length + hours.length === 0) return;
    await store.saveAlerts({ ...NOTHING, counts: counted.counts, cursors: moved, hours });
    if (hours.length > 0) flushedAt = now;
    fresh = counted.counts;
    for (const one of counted.counts) series.add(one);
    for (const { pipeline, seq } of moved) cursors.set(pipeline, seq);
    series.forget(now - Math.max(revision().alerting.budget.windowMs, 3 * DAY));
  }

  async function worldAt(now: number, budgets: readonly Budget[]): Promise<World> {
    const [facts, pauses, secrets] = await Promise.all([store.alertFacts(), store.pauses(), store.learnedSecrets()]);
    const fullAt = watch.fullAt();
    const [size, skew, refused] = [watch.store(), watch.skew(), deps.reloadRefused()];
    return {
      now,
      startedAt,
      revision: revision(),
      budgets,
      series,
      recent: watch.recent,
      listener: watch.listener,
      facts,
      pauses,
      openBreakers,
      pendingSecrets: secrets.filter(({ status }) => status === "pending"),
      reserveSpent: watch.reserveSpent(),
      mask: deps.mask,
      ...(size === undefined ? {} : { store: size }),
      ...(fullAt === undefined ? {} : { storeFullAt: fullAt }),
      ...(skew === undefined ? {} : { skew }),
      ...(refused === undefined ? {} : { reloadRefused: refused }),
    };
  }

  function seeBreakers(now: number): void {
    for (const [name, state] of deps.engine().breakers()) {
      if (state === "closed") openBreakers.delete(name);
      else openBreakers.set(name, Math.min(openBreakers.get(name) ?? now, now));
    }
  }

  function stepAlerts(findings: readonly Finding[], silences: readonly Silence[], now: number) {
    const { alerting } = revision();
    return step(known.open(), findings, {
      now,
      terms: alerting,
      newId: () => deps.newId("alr"),
      channelsFor: (members, severity) => channelsFor(members, severity, revision()),
      silence: (alert) => silencedBy(alert, { now, silences, maintenance: alerting.maintenance, revision: revision() }),
    });
  }

  async function find(): Promise<void> {
    const now = clock.now();
    await quietly("count", () => count(now), undefined);
    seeBreakers(now);
    const budgets = budgetsAt(now);
    known.setBudgets(budgets);
    for (const { pipeline, left } of budgets) deps.told.judged({ pipeline, ...lately(pipeline), left });
    fresh = [];
    const world = await quietly("look", () => worldAt(now, budgets), undefined);
    // What can not be read is not well: alerts stay as they are, and the store's own is told.
    const findings = world && lasting.of([...flowFindings(world), ...aroundFindings(world)], world);
    const silences = await quietly("silences", () => store.silences(now), known.silences());
    known.setSilences(silences);
    const { open, changed, messages } =
      findings === undefined ? { open: known.open(), changed: [], messages: [] } : stepAlerts(findings, silences, now);
    known.setOpen(open);
    const counts = Map.groupBy(open, ({ severity }) => severity);
    const of = (severity: Alert["severity"]) => counts.get(severity)?.length ?? 0;
    deps.told.alerting({ page: of("page"), alert: of("alert"), off: of("off") });
    for (const alert of changed) unkept.set(alert.id, alert);
    await keep(messages, now);
    if (now - purgedAt >= PURGE_MS) await purge(now);
  }

  async function keep(messages: readonly Message[], now: number): Promise<void> {
    // Those about the store go around it.
    const [around, durable] = partition(messages, ({ alert }) => alert.subject === "engine:store");
    sender.direct(around.map(toDirect));
    const save: AlertSave = {
      ...NOTHING,
      alerts: [...unkept.values()].map(toRecord),
      messages: durable.map((message) => {
        const { alert, channel, document } = toDirect(message);
        return { alert, channel, kind: message.kind, document: asJson(document), at: now };
      }),
    };
    if (Object.values(save).every((list) => list.length === 0)) return;
    try {
      await store.saveAlerts(save);
      unkept.clear();
    } catch (error) {
      deps.onFault({ where: "alerts", error });
      sender.direct(durable.map(toDirect));
    }
  }

  const toDirect = ({ kind, alert, channel }: Message): DirectMessage => ({
    channel,
    alert: alert.id,
    document: { kind, at: new Date(clock.now()).toISOString(), alert: alertDocument(alert, revision()) },
  });

  async function purge(now: number): Promise<void> {
    purgedAt = now;
    watch.listener.forget(now - HOURS_KEPT_MS);
    await quietly(
      "purge",
      () =>
        store.purgeAlerts({
          joinBefore: now - FINE_MS,
          joinMs: HOUR,
          countsBefore: now - Math.max(revision().alerting.budget.windowMs, 3 * DAY),
          hoursBefore: now - HOURS_KEPT_MS,
          doneBefore: now - KEPT_MS,
        }),
      undefined,
    );
  }

  async function quietly<T>(what: string, work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!stopped) deps.onFault({ where: `alerts: ${what}`, error });
      return otherwise;
    }
  }

  let stopped = false;
  let cancel = (): void => {};
  let under: Promise<void> = Promise.resolve();
  let sending: Promise<void> = Promise.resolve();
  let isSending = false;
  const send = () => quietly("send", () => sender.send(), undefined);
  /** A channel that hangs holds up no look; what comes meanwhile goes after the next. */
  function sendBeside(): void {
    if (isSending) return;
    isSending = true;
    sending = send().finally(() => {
      isSending = false;
    });
  }
  function again(): void {
    if (stopped) return;
    const everyMs = Math.min(10_000, Math.max(500, bucketOf(revision().alerting.budget.burn) / 2));
    cancel = clock.after(everyMs, () => {
      under = find().then(() => {
        sendBeside();
        again();
      });
    });
  }

  return {
    observer: watch.observer,
    known,
    hands: createHands({ ...deps, revision }),
    async look() {
      await find();
      await send();
    },
    async start() {
      await load();
      again();
    },
    async stop() {
      stopped = true;
      cancel();
      await Promise.all([under, sending]);
      const hours = watch.listener.take();
      if (hours.length > 0) await quietly("stop", () => store.saveAlerts({ ...NOTHING, hours }), undefined);
    },
  };
}

function mergeCursors(first: AlertSave["cursors"], moved: AlertSave["cursors"]): AlertSave["cursors"] {
  const later = new Set(moved.map(({ pipeline }) => pipeline));
  return [...first.filter(({ pipeline }) => !later.has(pipeline)), ...moved];
}

function partition<T>(list: readonly T[], is: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [list.filter(is), list.filter((one) => !is(one))];
}
