/** Alerts over a real store and real HTTP, on a clock that stands still until a test moves it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Alerts, createAlerts } from "../../engine/alerts/alerts.ts";
import { createSinkContexts } from "../../engine/cli/sink-context.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { createVirtualClock, type VirtualClock } from "../../engine/core/clock.ts";
import { silentLog } from "../../engine/core/log.ts";
import type { DeadLetterId, DeliveryId } from "../../engine/core/types.ts";
import type { BreakerState } from "../../engine/delivery/breaker.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { createSinkHttp } from "../../engine/network/client.ts";
import type { OpenSink } from "../../engine/plugin/index.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { Store, WorkItem } from "../../engine/store/store.ts";
import { revisionOf } from "../support/revision.ts";
import { commitOf, deadLetter, newDelivery, newEvent, START } from "../support/store-fixtures.ts";

export interface Heard {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what others are sent is looked at freely
  readonly body: any;
}

/** Stands for Slack, PagerDuty and a webhook; `statusOf` by path. */
export async function startChannels() {
  const heard: Heard[] = [];
  const statuses = new Map<string, number>();
  /** Bodies that services answer with; `{}` else. */
  const answers = new Map<string, object>();
  const server = createServer((req, res) => {
    let text = "";
    req.on("data", (part) => (text += part));
    req.on("end", () => {
      const path = req.url ?? "";
      const status = statuses.get(path) ?? 200;
      if (status < 300) heard.push({ path, headers: req.headers, text, body: JSON.parse(text) });
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answers.get(path) ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    statuses,
    answers,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly alerts: Alerts;
  readonly revision: Revision;
  readonly breakers: Map<string, BreakerState["kind"]>;
  readonly faults: string[];
  readonly lines: string[];
  /** What the connection `crm` is opened as where it carries alerts; others are what they are. */
  sink: OpenSink;
  reloadRefused: { readonly at: number; readonly code: string } | undefined;
  /** Looks every ten seconds, for so long. */
  pass(ms: number): Promise<void>;
  /** The same store, after a restart. */
  again(): Promise<Alerts>;
  close(): Promise<void>;
}

const pipeline = (name: string, owner: string) => `
pipeline: ${name}
owner: ${owner}
runbook: https://runbooks.example.com/${name}
sla: { lag: 60s, objective: 99% }
source: stripe
rules: [{ on: invoice.paid, write: { customer: { key: customer, fields: { ${name}: plan } } } }]
deliver: [{ to: crm }]
`;

/** Two pipelines of two teams to one connection; `config` goes on top. */
export async function createRig(
  config: string,
  pipelines: Readonly<Record<string, string>> = { paid: "ops", free: "ops" },
  connections = "",
): Promise<Rig> {
  const files: Record<string, string> = {
    "config.yaml": `
sources: { stripe: { path: /hooks/stripe, provider: stripe, secrets: ["\${SECRET}"] } }
entities:
  customer:
    attributes:
${Object.entries(pipelines)
  .map(([name, owner]) => `      ${name}: { type: string, owner: ${owner} }`)
  .join("\n")}
connections:
  crm: { sink: file, path: ./crm.ndjson }
${connections}
${config}`,
  };
  for (const [name, owner] of Object.entries(pipelines)) files[`pipelines/${name}.yaml`] = pipeline(name, owner);
  const clock = createVirtualClock(START);
  const evaluator = createEvaluator();
  const sinkContext = createSinkContexts({ clock, evaluator: () => evaluator });
  const revision = await revisionOf(files, { env: { SECRET: "whsec_x", ...ENV }, sinkContext });
  const opened = new Map<string, OpenSink>();
  const store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  const http = createSinkHttp({ allowPrivate: true });
  const closed = createSinkHttp();
  const breakers = new Map<string, BreakerState["kind"]>([["crm", "closed"]]);
  const lines: string[] = [];
  const faults: string[] = [];
  let ids = 0;
  const make = () =>
    createAlerts({
      engine: () => ({ revision, breakers: () => breakers }),
      store: rig.store,
      clock,
      log: { ...silentLog, warn: (text) => void lines.push(text), error: (text) => void lines.push(text) },
      random: () => 0.5,
      newId: (prefix) => `${prefix}_${++ids}`,
      mask: (text) => text.replaceAll("ada@example.com", "[sensitive]"),
      reloadRefused: () => rig.reloadRefused,
      onFault: ({ where }) => void faults.push(where),
      told: { judged: () => {}, alerting: () => {} },
      http: (allowPrivate) => (allowPrivate ? http : closed),
      append: async (path, line) => void lines.push(`${path}: ${line}`),
      async connection(name) {
        const model = revision.connections.get(name);
        if (model === undefined) return undefined;
        const sink = name === "crm" ? rig.sink : (opened.get(name) ?? (await model.open()));
        opened.set(name, sink);
        return { sink, descriptor: model.sink };
      },
    });
  const rig: Rig = {
    clock,
    store,
    revision,
    breakers,
    faults,
    lines,
    reloadRefused: undefined,
    sink: {
      prepare: () => ({ summary: "", data: {} }),
      send: async () => ({ kind: "delivered" }),
      close: async () => {},
    },
    alerts: undefined as unknown as Alerts,
    async pass(ms) {
      for (const end = clock.now() + ms; clock.now() < end; ) {
        clock.set(Math.min(end, clock.now() + 10_000));
        await rig.alerts.look();
      }
    },
    async again() {
      Object.assign(rig, { alerts: make() });
      await rig.alerts.start();
      await rig.alerts.stop();
      return rig.alerts;
    },
    async close() {
      await Promise.all([...opened.values()].map((sink) => sink.close()));
      await Promise.all([http.close(), closed.close(), store.close(), evaluator.close()]);
    },
  };
  await rig.again();
  return rig;
}

/** Secrets of channels: none of them may be seen anywhere else. */
export const ENV = {
  PD_KEY: "pd-canary-0123456789",
  SLACK_TOKEN: "xoxb-canary",
  WHSEC: "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5",
};

let made = 0;

/** An event that is received now, and done at once or waiting for the connection; its delivery's id. */
export async function event(
  rig: Rig,
  { pipeline: name = "paid", waits = false }: { readonly pipeline?: string; readonly waits?: boolean } = {},
): Promise<DeliveryId> {
  const work = await acceptIn(rig, name);
  const at = rig.clock.now();
  const delivery = newDelivery(String(made), { pipeline: name, entity: { type: "customer", key: `cus_${made}` } });
  await rig.store.commitApply(commitOf(work, { at, deliveries: waits ? [delivery] : [] }));
  return delivery.id;
}

export async function dead(rig: Rig, name = "paid"): Promise<DeadLetterId> {
  const work = await acceptIn(rig, name);
  const letter = deadLetter(String(made), { pipeline: name, createdAt: rig.clock.now() });
  await rig.store.commitApply(commitOf(work, { outcome: { status: "dead", dead: letter } }));
  return letter.id;
}

async function acceptIn(rig: Rig, name: string): Promise<WorkItem> {
  const id = `evt_${++made}`;
  await rig.store.accept({ events: [newEvent(id, { receivedAt: rig.clock.now() })], pipelines: [[name]] });
  const item = (await rig.store.readyWork(0, 1000)).find((work) => work.event.providerId === id);
  if (item === undefined) throw new Error(`${id} has no work`);
  return item;
}
