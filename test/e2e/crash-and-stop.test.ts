import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test, vi } from "vitest";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  type RunningEngine,
} from "../support/engine-process.ts";
import { invoicePaid, type SignedEvent, sendLoad, sendSigned } from "../support/signed-load.ts";

vi.setConfig({ testTimeout: 180_000 });

const ROUNDS = 5;
const PER_ROUND = 120;

async function withInstallation(work: (installation: Installation) => Promise<void>): Promise<void> {
  const installation = createInstallation({ shipped: true });
  try {
    await work(installation);
  } finally {
    installation.remove();
  }
}

interface Counts {
  readonly counts: { readonly events: number; readonly ready: number; readonly open_deliveries: number };
}

async function settled(engine: RunningEngine): Promise<void> {
  await eventually(
    async () => (await (await fetch(`${engine.admin}/api/v1/status`)).json()) as Counts,
    ({ counts }) => counts.ready === 0 && counts.open_deliveries === 0,
    60_000,
  );
}

/** All provider ids in the store, in pages. */
async function storedIds(engine: RunningEngine): Promise<string[]> {
  const ids: string[] = [];
  for (let before = ""; ; ) {
    const answer = (await (await fetch(`${engine.admin}/api/v1/events?limit=500${before}`)).json()) as {
      events: { provider_id: string; seq: number }[];
    };
    ids.push(...answer.events.map((event) => event.provider_id));
    const last = answer.events.at(-1);
    if (last === undefined) return ids;
    before = `&before=${last.seq}`;
  }
}

describe("the engine, killed under load", () => {
  test("loses nothing it has acknowledged, and writes no CRM row twice", () =>
    withInstallation(async (installation) => {
      const acknowledged: SignedEvent[] = [];
      let unanswered = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const engine = await installation.start();
        // Another moment of the load each time: from the first answers to the last.
        const killAt = 1 + Math.trunc((round * PER_ROUND) / ROUNDS);
        await sendLoad({
          hooks: engine.hooks,
          first: round * PER_ROUND,
          count: PER_ROUND,
          width: 24,
          onAnswer(event, status, answered) {
            if (status === undefined) unanswered++;
            else acknowledged.push(event);
            if (answered === killAt) engine.child.kill("SIGKILL");
          },
        });
        expect(await engine.end("SIGKILL")).toMatchObject({ signal: "SIGKILL" });
      }
      expect(unanswered).toBeGreaterThan(0);
      expect(acknowledged.length).toBeGreaterThan(ROUNDS);

      const engine = await installation.start();
      await settled(engine);
      const stored = await storedIds(engine);
      expect(new Set(stored).size).toBe(stored.length);
      expect(acknowledged.filter((event) => !stored.includes(event.id))).toEqual([]);

      // A sender that got no answer sends again: dedupe tells which were stored all the same.
      const before = stored.length;
      for (const event of acknowledged.slice(0, 20)) expect(await sendSigned(engine.hooks, event)).toBe(200);
      expect((await storedIds(engine)).length).toBe(before);

      const crm = new Database(join(installation.root, "data/crm.db"), { readonly: true });
      try {
        const customers = crm
          .prepare<[], { stripe_id: string; tier: string }>("SELECT stripe_id, tier FROM customer")
          .all();
        expect(customers.map((row) => row.stripe_id).sort()).toEqual(
          stored.map((id) => id.replace("evt_load", "cus_load")).sort(),
        );
        expect(customers.every((row) => row.tier === "team")).toBe(true);
        // One applied key for the customer and one for the subscription of each event, however often it was tried.
        const applied = crm.prepare<[], { n: number }>("SELECT count(*) AS n FROM hookrail_applied").get();
        expect(applied?.n).toBe(stored.length * 2);
      } finally {
        crm.close();
      }
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    }));
});

describe("the engine, told to stop", () => {
  test("answers what is in flight, resets nobody, exits 0 and goes on where it was", () =>
    withInstallation(async (installation) => {
      const engine = await installation.start();
      let acknowledged = 0;
      const refused: number[] = [];
      let ended: Promise<unknown> | undefined;
      await sendLoad({
        hooks: engine.hooks,
        first: 0,
        count: 200,
        width: 16,
        onAnswer(_event, status, answered) {
          if (status === 202) acknowledged++;
          else if (status !== undefined) refused.push(status);
          if (answered === 60) ended = engine.end("SIGTERM");
        },
      });
      expect(await ended).toEqual({ code: 0, signal: null });
      expect(refused).toEqual([]);
      expect(engine.lines.at(-1)).toContain('"msg":"stopped"');
      const next = await installation.start();
      await settled(next);
      // What was sent in the instant of the stop may have been stored without its answer; never the other way round.
      expect((await storedIds(next)).length).toBeGreaterThanOrEqual(acknowledged);
      expect((await listEvents(next)).every((event) => event.outcome === "delivered")).toBe(true);
      expect(await next.end("SIGINT")).toEqual({ code: 0, signal: null });
    }));

  test("ends at once at the second signal, and loses nothing by it", () =>
    withInstallation(async (installation) => {
      const engine = await installation.start();
      expect(await sendSigned(engine.hooks, invoicePaid(1))).toBe(202);
      // A client that never finishes its request holds the drain up.
      const hanging = new AbortController();
      const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) });
      const request = fetch(`${engine.hooks}/hooks/stripe`, {
        method: "POST",
        body,
        duplex: "half",
        signal: hanging.signal,
      }).catch(() => undefined);
      await eventually(
        async () => (await fetch(`${engine.admin}/readyz`)).status,
        (status) => status === 200,
      );
      const ended = engine.end("SIGTERM");
      await eventually(
        async () => (await fetch(`${engine.admin}/readyz`)).status,
        (status) => status === 503,
      );
      engine.child.kill("SIGTERM");
      expect(await ended).toEqual({ code: 1, signal: null });
      hanging.abort();
      await request;
      const next = await installation.start();
      await settled(next);
      expect((await listEvents(next)).map((event) => event.outcome)).toEqual(["delivered"]);
      await next.end("SIGTERM");
    }));
});
