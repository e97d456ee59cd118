/** The alerts of a running engine, put together: what they read, how they reach channels, what the admin API asks of them. */
import { appendFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Alerts, createAlerts } from "../alerts/alerts.ts";
import { checkSilence } from "../alerts/hands.ts";
import { silenceDocument } from "../alerts/known.ts";
import { staysInside } from "../config/files.ts";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { errorFields, type Log } from "../core/log.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import type { AlertsPort } from "../http/admin-alerts.ts";
import type { ReloadStatus } from "../http/admin-reload.ts";
import { createSinkHttp } from "../network/client.ts";
import type { OpenSink } from "../plugin/index.ts";
import type { Store } from "../store/store.ts";

export interface ServeAlerts extends Alerts {
  readonly port: AlertsPort;
}

export function serveAlerts(parts: {
  readonly engine: () => Engine;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly mask: (text: string) => string;
  readonly reloadStatus: () => ReloadStatus;
  /** Of all who listen; asked only once the engine runs. */
  readonly observer: () => Observer;
}): ServeAlerts {
  const { engine, store, clock, ids, log, mask } = parts;
  const clients = {
    open: createSinkHttp({ connections: 2 }),
    private: createSinkHttp({ connections: 2, allowPrivate: true }),
  };
  const connections = createConnections(engine);
  const alerts = createAlerts({
    engine,
    store,
    clock,
    log,
    random: Math.random,
    newId: (prefix) => ids.event().replace(/^evt/, prefix),
    mask,
    reloadRefused() {
      const last = parts.reloadStatus().last_reload;
      if (last === null || last.result !== "refused") return undefined;
      return { at: Date.parse(last.at), code: last.error?.code ?? "HK8040" };
    },
    told: {
      judged: (fact) => parts.observer().judged?.(fact),
      alerting: (fact) => parts.observer().alerting?.(fact),
    },
    onFault: ({ where, error }) =>
      log.repeating("error", `fault ${where}`, "alerts could not be kept; they are told all the same", {
        where,
        ...errorFields(error),
      }),
    http: (allowPrivate) => (allowPrivate ? clients.private : clients.open),
    async append(path, line) {
      if (!staysInside(path)) fail("HK1006", { path });
      const file = join(engine().revision.root, path);
      await mkdir(dirname(file), { recursive: true });
      await appendFile(file, `${line}\n`);
    },
    connection: connections.open,
  });
  return {
    ...alerts,
    port: {
      ...alerts.known,
      ...alerts.hands,
      checkSilence,
      // Shown at once, and not only from the next look on.
      async silence(wanted, by) {
        const made = await alerts.hands.silence(wanted, by);
        alerts.known.setSilences([...alerts.known.silences(), made]);
        return silenceDocument(made);
      },
      async endSilence(id, by) {
        const ended = await alerts.hands.endSilence(id, by);
        if (ended) alerts.known.setSilences(alerts.known.silences().filter((one) => one.id !== id));
        return ended;
      },
    },
    async stop() {
      await alerts.stop();
      await Promise.all([clients.open.close(), clients.private.close(), connections.close()]);
    },
  };
}

/** Connections that carry alerts, opened beside the engine's own: a pause or an open breaker does not silence them. */
function createConnections(engine: () => Engine) {
  const opened = new Map<string, { readonly model: ConnectionModel; readonly sink: Promise<OpenSink> }>();
  return {
    async open(name: string) {
      const model = engine().revision.connections.get(name);
      if (model === undefined) return undefined;
      const known = opened.get(name);
      if (known?.model === model) return { sink: await known.sink, descriptor: model.sink };
      const sink = model.open();
      opened.set(name, { model, sink });
      void known?.sink.then((old) => old.close()).catch(() => undefined);
      try {
        return { sink: await sink, descriptor: model.sink };
      } catch (error) {
        opened.delete(name);
        throw error;
      }
    },
    async close() {
      await Promise.allSettled([...opened.values()].map(async ({ sink }) => (await sink).close()));
    },
  };
}
