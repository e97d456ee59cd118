/** Puts the spines to work: intake, the apply pump, one deliver pump for each connection, and the timers between them. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import { createAdmission } from "../flow/admission.ts";
import type { DeliverDeps } from "../flow/deliver.ts";
import type { Actor, Engine } from "../flow/engine.ts";
import { ingest, notFound, turnAway } from "../flow/ingest.ts";
import type { ProviderCalls } from "../flow/keys.ts";
import { createLearnedSecrets } from "../flow/learned.ts";
import { touchesNames } from "../flow/names.ts";
import type { Observer } from "../flow/observer.ts";
import type { Routes } from "../flow/routes.ts";
import type { AuditRow, Store } from "../store/store.ts";
import { createApplyLoop } from "./apply-loop.ts";
import { createConnectionPumps } from "./connection-pumps.ts";
import { createDeliverLoop } from "./deliver-loop.ts";
import { createFetchLoop } from "./fetch-loop.ts";
import { breakersOf, createInstalled, type Installed } from "./installed.ts";
import { createIntakeGate } from "./intake-gate.ts";
import { recoverInterrupted } from "./interrupted.ts";
import { createNextLook } from "./next-look.ts";
import { createPace } from "./pace.ts";
import { createPauses, pausing } from "./pauses.ts";
import { createPump } from "./pump.ts";
import { startRetention } from "./retention.ts";
import { createRetiring } from "./retiring.ts";
import { withPatientSettling } from "./settle-store.ts";
import { inWords, takeRevision } from "./take-revision.ts";
import { within } from "./within.ts";

export interface EngineParts extends Pick<DeliverDeps, "traceparent"> {
  readonly revision: Revision;
  readonly store: Store;
  readonly evaluator: Evaluator;
  readonly clock: Clock;
  readonly ids: Ids;
  /** In [0, 1): the jitter of retries. */
  readonly random: () => number;
  readonly observer: Observer;
  /** Default: the revision's own. */
  readonly routes?: Routes;
  /** What intake asks of providers; without it keys can not be fetched. */
  readonly calls?: ProviderCalls;
}

export function createEngine(parts: EngineParts): Engine {
  const { store, clock, observer, ids } = parts;
  const pauses = createPauses(store);
  const learned = createLearnedSecrets({ store, clock, onNew: (fact) => observer.secretLearned?.(fact) });
  const admission = createAdmission(clock, async () => (await store.counts()).ready);
  const standing = { store, clock, ids, observer: admission.watch(observer) };
  let installed = createInstalled(parts, standing);
  const gate = createIntakeGate();
  /** What begins nothing new, so that a revision can take the place of another. */
  let quiet: "nothing" | "apply" | "all" = "nothing";
  const retiring = createRetiring();
  let waitingRequests = 0;
  const pace = createPace(() => waitingRequests);
  let stopping = false;
  let endRetention = (): void => {};
  const settling = withPatientSettling(store, { clock, observer, isStopping: () => stopping });

  const apply = createApplyLoop({
    deps: () => installed.apply,
    store,
    clock,
    pace,
    isPaused: (pipeline) => stopping || pauses.has("pipeline", pipeline),
    onDeliveries: (connections) => {
      for (const name of connections) pumps.kick("deliver", name);
    },
    onFetch: (connection) => {
      pumps.kick("fetch", connection);
      nextLook.plan();
    },
    isHeld: () => quiet !== "nothing",
    onRetry: () => applyPump.kick(),
  });
  const applyPump = createPump(guarded("apply", async () => (quiet === "nothing" ? apply.applySome() : 0)));

  const paused = (connection: string): boolean => stopping || pauses.has("connection", connection);
  const telling = pausing(observer, pauses);
  const { random, traceparent } = parts;
  const sending = { store: settling, clock, ids, random, observer: telling, traceparent };
  const pumps = createConnectionPumps({
    guarded,
    make(direction, connection) {
      const common = { connection, store, clock, link: () => installed.links.get(connection) };
      const onProgress = (): void => {
        pumps.kick(direction, connection);
        if (apply.waitsForDeliveries) applyPump.kick();
        nextLook.plan();
      };
      if (direction === "fetch") {
        return createFetchLoop({
          ...common,
          isPaused: () => quiet !== "nothing" || paused(connection),
          deps: (link, sink) => ({
            apply: { ...installed.apply, observer: telling },
            connection: link.connection,
            sink,
            clock,
            random: parts.random,
          }),
          onReady: apply.goOn,
          onProgress,
        });
      }
      return createDeliverLoop({
        ...common,
        pace,
        isPaused: () => quiet === "all" || paused(connection),
        deps: (link, sink) => ({ ...sending, connection: link.connection, sink }),
        onProgress,
      });
    },
  });
  pumps.open(installed.links.keys());

  /** A fault of the store's leaves the work where it is; the next timer looks again. */
  function guarded(where: string, step: () => Promise<number>): () => Promise<number> {
    return async () => {
      if (stopping) return 0;
      try {
        return await step();
      } catch (error) {
        observer.fault({ where, error });
        return 0;
      }
    };
  }

  function kickAll(): void {
    applyPump.kick();
    pumps.kickAll();
  }

  async function nextDue(what: "all" | "deliveries"): Promise<number | undefined> {
    const instants = [...(what === "all" ? [await store.nextHoldEnd()] : []), ...(await pumps.dues())];
    const known = instants.filter((instant) => instant !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Accepts, and wakes the apply pump if some pipeline listens. */
  const intakeStore: Pick<Store, "accept"> = {
    accept(request) {
      const accepted = admission.accept(request, (one) => store.accept(one));
      if (request.pipelines.some((names) => names.length > 0)) void accepted.then(wakeApply, () => {});
      return accepted;
    },
  };

  /** Resolves when what is begun has ended; `all`: deliveries too. */
  async function restOf(all: boolean): Promise<void> {
    await applyPump.rest();
    await apply.idle();
    if (all) await pumps.rest();
  }

  function retire(former: Installed): void {
    const used = new Set(installed.links.values());
    retiring.add(
      [...former.links.values()].filter((link) => !used.has(link)),
      former.evaluator === installed.evaluator ? undefined : former.evaluator,
    );
  }

  function wakeApply(): void {
    if (!stopping && started) applyPump.kick();
  }

  const nextLook = createNextLook({
    clock,
    nextDue: () => nextDue("all"),
    look: kickAll,
    isOn: () => started && !stopping,
  });
  let started = false;

  return {
    get revision() {
      return installed.revision;
    },
    store: {
      ...store,
      replay: (request) => store.replay(request).finally(wakeApply),
      editDeadLetter: (request) => store.editDeadLetter(request).finally(wakeApply),
    },
    limitFor(path) {
      const source = installed.routes.source(path);
      if (source === undefined) return undefined;
      return { maxBytes: source.maxBodyBytes, codings: source.recipe.accept.contentEncodings };
    },
    admit(request) {
      const { routes } = installed;
      const source = routes.source(request.path);
      if (source === undefined) return undefined;
      const turned = admission.judge(request.remoteAddress, source, routes.revision.limits);
      return turned === undefined ? undefined : turnAway(turned, request, { source, observer });
    },
    async ingest(request) {
      waitingRequests++;
      try {
        return await gate.pass(async () => {
          const { routes } = installed;
          const source = routes.source(request.path);
          if (source === undefined) return notFound;
          const asks = { calls: parts.calls, learned };
          return ingest(request, { routes, source, store: intakeStore, clock, ids, observer, admission, ...asks });
        });
      } finally {
        waitingRequests--;
      }
    },
    async start() {
      await recoverInterrupted(installed.revision, { store, clock, observer });
      const by = { actor: "hookrail run", reason: "start" };
      const changes = await takeRevision(store, installed.revision, { ...by, at: clock.now() });
      await pauses.load();
      started = true;
      endRetention = startRetention({ store, clock, observer, terms: () => installed.revision.retention });
      kickAll();
      nextLook.plan();
      return changes.map(inWords);
    },
    async swap(next) {
      const { revision, evaluator } = next;
      // An attempt in flight names what moves when it is recorded.
      const all = touchesNames(installed.revision, revision);
      quiet = all ? "all" : "apply";
      try {
        const { drainMs } = installed.revision.limits;
        if (!(await within(clock, drainMs, restOf(all)))) fail("HK8044", { within: drainMs });
        return await gate.alone(async () => {
          const changes = await takeRevision(store, revision, { ...next.by, at: clock.now() });
          if (all) await pauses.load();
          const kept = new Map([...installed.links].filter(([name]) => next.keep.has(name)));
          const former = installed;
          installed = createInstalled({ revision, evaluator, kept }, standing);
          pumps.open(installed.links.keys());
          retire(former);
          return changes.map(inWords);
        });
      } finally {
        quiet = "nothing";
        apply.rewind();
        apply.retryHeld();
        kickAll();
        nextLook.plan();
      }
    },
    async stop(graceMs) {
      stopping = true;
      nextLook.cancel();
      endRetention();
      const idle = Promise.all([applyPump.rest(), apply.idle(), pumps.idle(), retiring.idle()]);
      await Promise.race([idle, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
      await Promise.all([...installed.links.values(), retiring].map((one) => one.close()));
      await installed.evaluator.close();
      await store.close();
    },
    async drain() {
      do {
        applyPump.kick();
        await applyPump.rest();
        await apply.idle();
        await pumps.drain();
      } while (applyPump.busy);
    },
    nextDue,
    breakers: () => breakersOf(installed),
    async pause(kind, name, by) {
      await pauses.add(
        { kind, name, since: clock.now(), by: by.actor, reason: by.reason },
        auditOf("pause", `${kind} ${name}`, by),
      );
    },
    async resume(kind, name, by) {
      const was = await pauses.remove(kind, name, auditOf("resume", `${kind} ${name}`, by));
      if (kind === "pipeline") {
        apply.rewind();
        apply.retryHeld();
      }
      kickAll();
      return was;
    },
    async retryDead(id, by) {
      const found = await store.retryDeadLetter(id, auditOf("dead.retry", id, by));
      kickAll();
      return found;
    },
    discardDead: (id, by) => store.discardDeadLetter(id, auditOf("dead.discard", id, by)),
  };

  function auditOf(action: string, target: string, by: Actor): AuditRow {
    return { at: clock.now(), actor: by.actor, action, target, reason: by.reason };
  }
}
