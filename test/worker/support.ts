/** One engine over a real store file, a virtual clock, and sinks on loopback. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSinkContexts } from "../../engine/cli/sink-context.ts";
import { createMemoryReader } from "../../engine/config/files.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { createVirtualClock, type VirtualClock } from "../../engine/core/clock.ts";
import type { Evaluator } from "../../engine/core/expression.ts";
import { createCountingIds } from "../../engine/core/ids.ts";
import type { Json } from "../../engine/core/types.ts";
import type { Engine } from "../../engine/flow/engine.ts";
import { type Observer, silentObserver } from "../../engine/flow/observer.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { EventStory, Store } from "../../engine/store/store.ts";
import { createEngine } from "../../engine/worker/engine.ts";
import { loadRevision } from "../support/revision.ts";

export const start = Date.UTC(2026, 11, 1);
const secret = "test-secret";

/** A home-made sender, one entity, one pipeline; `connections` and `deliver` are the test's own. */
export function files(parts: {
  readonly connections: string;
  readonly deliver: string;
  readonly rule?: string;
  readonly extra?: string;
}): Record<string, string> {
  return {
    "config.yaml": `
teams: { ops: {} }
seed: none
entities:
  customer:
    attributes:
      tier: { type: string, enum: [free, pro, team], owner: ops, protected: true }
      seats: { type: integer, owner: ops }
      note: { type: string, owner: ops, clearable: true }
  order:
    parent: customer
    attributes: { total: { type: integer, owner: ops } }
    states: { new: [paid], paid: [shipped], shipped: [] }
connections:
${parts.connections.replace(/^/gm, "  ")}
`,
    "pipelines/orders.yaml": `
pipeline: orders
owner: ops
source:
  path: /hooks/shop
  signature: { scheme: hmac, header: x-signature, prefix: "sha256=", encoding: hex }
  secrets: [${secret}]
  id: body:id
  type: body:type
  time: { from: body:at, unit: ms }
  root: data
sla: { lag: 60s, objective: 99% }
${parts.extra ?? ""}
rules:
${parts.rule ?? "  - on: customer.changed\n    lowers: [tier]\n    write:\n      customer: { key: id, fields: { tier: tier, seats: seats, note: { from: note, on_null: clear } } }"}
deliver:
${parts.deliver.replace(/^/gm, "  ")}
`,
  };
}

export interface TestedEvent {
  readonly id: string;
  readonly type?: string;
  readonly at?: number;
  readonly data: Json;
  /** Default: `/hooks/shop`. */
  readonly path?: string;
}

export interface Bench {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly root: string;
  /** Sends one signed event; the event's id, or how it was answered. */
  post(event: TestedEvent): Promise<string>;
  /** The same, and lets the engine come to rest. */
  send(event: TestedEvent): Promise<string>;
  story(id: string): Promise<EventStory>;
  /** Runs from instant to instant until nothing falls due within `ms`. */
  pass(ms: number): Promise<void>;
  /** Puts another config to work while the engine runs; what was moved and dropped. */
  swap(config: Readonly<Record<string, string>>, keep?: readonly string[]): Promise<readonly string[]>;
  /** Leaves the store as a crash would, and opens it again. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export async function openBench(
  config: Readonly<Record<string, string>>,
  observer: Observer = silentObserver,
  wrap: (store: Store) => Store = (store) => store,
): Promise<Bench> {
  const root = mkdtempSync(join(tmpdir(), "hookrail-"));
  const clock = createVirtualClock(start);
  const ids = createCountingIds();
  let engine = await openEngine();

  function load(of: Readonly<Record<string, string>>, evaluator: () => Evaluator): Promise<Revision> {
    return loadRevision({
      root,
      reader: createMemoryReader(of),
      sinkContext: createSinkContexts({ clock, evaluator }),
    });
  }

  async function openEngine(): Promise<Engine> {
    const revision = await load(config, () => evaluator);
    const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
    const store = wrap(await openSqliteStore({ path: join(root, "hookrail.db"), clock, thread: false }));
    return createEngine({ revision, store, evaluator, clock, ids, random: () => 0.5, observer });
  }

  async function post({ id, type = "customer.changed", at, data, path = "/hooks/shop" }: TestedEvent): Promise<string> {
    const body = Buffer.from(JSON.stringify({ id, type, at: at ?? clock.now(), data }));
    const headers = {
      "content-type": "application/json",
      "x-signature": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    };
    const reply = await engine.ingest({
      method: "POST",
      target: path,
      path,
      query: "",
      headers,
      rawHeaders: Object.entries(headers).flat(),
      body,
      remoteAddress: "127.0.0.1",
      receivedAt: clock.now(),
    });
    return reply.headers["x-hookrail-event"] ?? reply.outcome;
  }

  return {
    get engine() {
      return engine;
    },
    clock,
    root,
    post,
    async send(event) {
      const answer = await post(event);
      await engine.drain();
      return answer;
    },
    async story(id) {
      const story = await engine.store.story(id);
      if (story === undefined) throw new Error(`no event ${id}`);
      return story;
    },
    async pass(ms) {
      const end = clock.now() + ms;
      for (let due = await engine.nextDue("all"); due !== undefined && due <= end; due = await engine.nextDue("all")) {
        clock.set(Math.max(due, clock.now() + 1));
        await engine.drain();
      }
      clock.set(end);
      await engine.drain();
    },
    async swap(next, keep = []) {
      const revision = await load(next, () => evaluator);
      const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
      try {
        return await engine.swap({ revision, evaluator, keep: new Set(keep), by: { actor: "ada", reason: "test" } });
      } catch (error) {
        await evaluator.close();
        throw error;
      }
    },
    async reopen() {
      await engine.stop(0);
      engine = await openEngine();
      await engine.start();
      await engine.drain();
    },
    async close() {
      await engine.stop(0);
      rmSync(root, { recursive: true });
    },
  };
}
