/** Puts one running engine together: store, evaluator, engine, the hooks and admin listeners; and takes it down in order. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import { CALL_TIMEOUT_MS, createProviderCalls } from "../flow/keys.ts";
import { createLive } from "../flow/live.ts";
import { createReplays } from "../flow/replay.ts";
import { createRoutes } from "../flow/routes.ts";
import { withSkewWatch } from "../flow/skew-watch.ts";
import { createStoreLife } from "../flow/store-life.ts";
import { type AdminDeps, createAdminListener } from "../http/admin.ts";
import { isLoopbackHost } from "../http/admin-guard.ts";
import { listenOnSocket, type SocketPlace } from "../http/admin-socket.ts";
import { createHooksListener } from "../http/app.ts";
import { createRequestIds, type Listener } from "../http/server.ts";
import { createSinkHttp, type GuardedHttp } from "../network/client.ts";
import { DEFAULT_RESERVE_BYTES } from "../store/reserve.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { refuseNetworkDisk } from "../store/startup.ts";
import type { Store } from "../store/store.ts";
import { startClockWatch } from "../worker/clock-watch.ts";
import { createEngine } from "../worker/engine.ts";
import { startStoreWatch } from "../worker/store-watch.ts";
import { within } from "../worker/within.ts";
import { createLimiter, limitsOf, tlsOf, watchCertificates } from "./listening.ts";
import { startObserving } from "./observing.ts";
import { createPlans } from "./plan-child.ts";
import { type Reloading, type ReloadSource, startReloading } from "./reloading.ts";
import { planStored } from "./replay-hands.ts";
import { createAdminDeps, createCurrentReader } from "./serve-admin.ts";
import { serveAlerts } from "./serve-alerts.ts";
import { createPipelinePages } from "./serve-pages.ts";

export interface ServeOptions {
  readonly revision: Revision;
  /** Closed with the engine, also when the start fails. */
  readonly evaluator: Evaluator;
  readonly version: string;
  readonly pid: number;
  /** Absolute path of the SQLite file. */
  readonly storePath: string;
  /** What the operator knows better: a disk that only looks like a network's, a WAL that is not missed. */
  readonly accept?: { readonly anyDisk?: boolean; readonly withoutWal?: boolean };
  readonly socketPath: string;
  readonly socketPlace: SocketPlace;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly requestPrefix: string;
  /** Random bytes, hex. */
  readonly randomHex: (bytes: number) => string;
  /** Where another config comes from while the engine runs. */
  readonly reload: ReloadSource;
  /** Reaches providers, for certificates and confirmations; default: the guarded client. */
  readonly providerHttp?: GuardedHttp;
  /** The store can promise nothing more: the process should end. */
  readonly onFatal: () => void;
}

export interface Serving {
  readonly hooks: string;
  readonly admin: string;
  /** The one at work. */
  revision(): Revision;
  /** Stops accepting, answers what is in flight, lets attempts end, all within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Starts everything; when it resolves, hooks are taken. What was started is stopped again when a later step fails. */
export async function serve(options: ServeOptions): Promise<Serving> {
  const { revision, clock, log } = options;
  const { evaluator } = options;
  const undo: (() => Promise<void>)[] = [() => evaluator.close()];
  try {
    refuseOpenAdmin(revision);
    let isFatal = false;
    const onFatal = () => {
      isFatal = true;
      options.onFatal();
    };
    const store = await openStore({ ...options, onFatal });
    undo.push(() => store.close());
    await remindOfSeed(options, store);
    const live = createLive({ clock, name: options.requestPrefix });
    const reloadStatus = () => reloading?.status() ?? { file_revision: engine.revision.hash, last_reload: null };
    const alerts = serveAlerts({
      ...options,
      engine: () => engine,
      store,
      mask: (text) => observing.sensitivity().text(text),
      reloadStatus,
      observer: () => observing.observer,
    });
    undo.push(() => alerts.stop());
    const observing = startObserving(options, {
      engine: () => engine,
      store,
      others: [live.observer, alerts.observer],
    });
    undo.push(() => observing.close(0));
    const { metrics, sensitivity, traceparent } = observing;
    const observer = withSkewWatch(observing.observer, clock);
    const http = options.providerHttp ?? createSinkHttp({ connections: 2, totalTimeoutMs: CALL_TIMEOUT_MS });
    const engine = createEngine({
      calls: createProviderCalls({ http, clock }),
      revision,
      store: metrics.watch(store),
      evaluator,
      clock,
      ids: options.ids,
      random: Math.random,
      observer,
      traceparent,
    });
    undo.push(() => http.close());
    const requestId = createRequestIds(options.requestPrefix);
    const hooks = createHooksListener({
      intake: engine,
      clock,
      log,
      requestId,
      readRemote: createCurrentReader(engine),
      limits: limitsOf(revision.server),
      ...tlsOf(revision.server),
    });
    let addresses = { hooks: "", admin: "" };
    const state = () => ({ ...addresses, draining: hooks.draining });
    let reloading: Reloading | undefined;
    const plans = createPlans({ root: revision.root, storePath: options.storePath });
    undo.push(async () => plans.close());
    const adminDeps: AdminDeps = {
      ...createAdminDeps(options, {
        ...{ store: { ...store, backlog: metrics.backlog }, engine, requestId, state, sensitivity },
        ...{ startedAt: clock.now(), isFatal: () => isFatal },
      }),
      get life() {
        return createStoreLife({ store, clock, entities: engine.revision.entities });
      },
      get replays() {
        // The engine's own store: it wakes the engine.
        return createReplays({ store: engine.store, clock, routes: createRoutes(engine.revision) });
      },
      planReplay: (filter) =>
        planStored(filter, { reader: engine.store, routes: createRoutes(engine.revision), clock }),
      plans,
      metrics: metrics.scrape,
      live: { facts: live, clock },
      pipelines: createPipelinePages(() => engine.revision),
      recent: metrics.recent,
      reload: async (actor) => (reloading ?? fail("HK8045")).reload(actor),
      reloadStatus,
      alerts: alerts.port,
    };
    const socket = createAdminListener(adminDeps, true);
    const admin = createAdminListener(adminDeps, false, tlsOf(revision.admin));
    await listenOnSocket(socket, options.socketPath, options.socketPlace);
    undo.push(() => socket.close(0));
    const adminUrl = await admin.listen(revision.admin);
    undo.push(() => admin.close(0));
    const changes = await engine.start();
    if (changes.length > 0) log.info("live rows follow the config", { changes });
    // From here on engine.stop closes the store and the evaluator.
    undo.splice(0, 2, () => engine.stop(0));
    addresses = { hooks: await hooks.listen(revision.server), admin: adminUrl };
    const limit = createLimiter(hooks, log);
    limit(revision.server);
    const certificates = watchCertificates({ hooks, admin }, { revision: () => engine.revision, clock, log });
    reloading = startReloading(options.reload, {
      engine,
      clock,
      log,
      onEnd: metrics.reloaded,
      onTaken: (taken) => {
        log.setLevel(taken.log.level);
        limit(taken.server);
        certificates.check();
      },
    });
    const { close } = reloading;
    const endStoreWatch = startStoreWatch({ store, clock, observer });
    const endClockWatch = startClockWatch({ clock, observer });
    await alerts.start();
    return {
      ...addresses,
      revision: () => engine.revision,
      async stop(graceMs) {
        const begun = clock.monotonic();
        certificates.stop();
        endStoreWatch();
        endClockWatch();
        plans.close();
        // A reload under way ends soon or not at all.
        await within(clock, graceMs / 4, close());
        await within(clock, graceMs / 4, alerts.stop());
        const left = Math.max(0, graceMs - (clock.monotonic() - begun));
        await stopInOrder({ hooks, engine, live, listeners: [admin, socket], graceMs: left, clock });
        await Promise.all([http.close(), observing.close(TELEMETRY_GRACE_MS)]);
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

/** For the last spans and counts, after all work has ended. */
const TELEMETRY_GRACE_MS = 2_000;

/** `seed:` is declared and was never loaded: every old customer would look new. */
async function remindOfSeed({ revision, log }: ServeOptions, store: Store): Promise<void> {
  const loaded = new Set((await store.seeds()).map((seed) => seed.entity));
  const entities = [...revision.seeds.keys()].filter((entity) => !loaded.has(entity));
  if (entities.length > 0) log.warn("`seed:` is declared and was never loaded: run `hookrail seed`", { entities });
}

function openStore({ revision, storePath, clock, log, onFatal, accept = {} }: ServeOptions): Promise<Store> {
  if (accept.anyDisk !== true) refuseNetworkDisk(storePath);
  return openSqliteStore({
    path: storePath,
    clock,
    withoutWal: accept.withoutWal === true,
    reserveBytes: revision.limits.diskReserveBytes ?? DEFAULT_RESERVE_BYTES,
    onFatal: (error) => {
      log.error("the store can promise nothing more; the engine ends", { code: error.code, error: error.message });
      onFatal();
    },
  });
}

/** The admin API may retry and discard: beyond this machine only with a token. */
function refuseOpenAdmin(revision: Revision): void {
  if (!isLoopbackHost(revision.admin.host) && revision.admin.tokens.length === 0)
    fail("HK8016", { host: revision.admin.host });
}

interface Stopping {
  readonly hooks: Listener;
  readonly engine: { stop(graceMs: number): Promise<void> };
  readonly live: { close(): void };
  readonly listeners: readonly Listener[];
  readonly graceMs: number;
  readonly clock: Clock;
}

/** Those who follow get the last word before their connection ends. */
const LAST_WORD_MS = 250;

/** Hooks first, since an accepted event needs the store; the admin socket last, so that `status` says "draining". */
async function stopInOrder({ hooks, engine, live, listeners, graceMs, clock }: Stopping): Promise<void> {
  const started = clock.monotonic();
  const left = () => Math.max(0, graceMs - (clock.monotonic() - started));
  await hooks.close(graceMs / 2);
  await engine.stop(left());
  live.close();
  await Promise.all(listeners.map((listener) => listener.close(LAST_WORD_MS)));
}
