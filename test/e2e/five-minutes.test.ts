import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  type RunningEngine,
  useFreePorts,
} from "../support/engine-process.ts";

const delivered = (engine: RunningEngine, count: number) =>
  eventually(
    () => listEvents(engine),
    (events) => events.filter((event) => event.outcome === "delivered").length === count,
  );

function readCrm<T>(root: string, sql: string): readonly T[] {
  const db = new Database(join(root, "data/crm.db"), { readonly: true });
  try {
    return db.prepare<[], T>(sql).all();
  } finally {
    db.close();
  }
}

// A command is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

describe("the first five minutes, with the shipped config", () => {
  let installation: Installation;
  let engine: RunningEngine;
  beforeAll(async () => {
    installation = createInstallation({ shipped: true });
    engine = await installation.start();
  });
  afterAll(async () => {
    await engine.end("SIGTERM");
    installation.remove();
  });

  test("run says where it listens, which pipelines run and what to try next", () => {
    const text = engine.stderr();
    expect(text).toContain(engine.hooks);
    expect(text).toMatch(/paid-premium +stripe at \/hooks\/stripe -> local, crm/);
    expect(text).toContain("next: npx hookrail send stripe/invoice.paid");
  });

  test("a signed sample is delivered, told and found in the CRM's table", async () => {
    const sent = await installation.hookrail("send", "stripe/invoice.paid");
    expect(sent.code).toBe(0);
    const id = /202 accepted {2}(evt_\w+)/.exec(sent.stdout)?.[1] ?? "";
    await delivered(engine, 1);
    const listed = (await installation.hookrail("events")).stdout;
    expect(listed).toMatch(new RegExp(`${id} +stripe +invoice\\.paid +delivered +paid-premium +\\d+`));
    const story = (await installation.hookrail("explain", id)).stdout;
    expect(story).toMatch(/signature +ok: hmac sha256, secret 1/);
    expect(story.replace(/\s+/g, " ")).toMatch(
      /subscription\.plan set "team" <- \$price in plans\.plan, read "price_team_month"; if missing: keep; revenue-ops, pipelines\/paid-premium\.yaml:\d+/,
    );
    expect(story).toMatch(/customer\/cus_1\.tier: nothing -> "team"/);
    expect(story).toMatch(/to local +upsert customer\/cus_1 +delivered/);
    expect(story).toContain("exactly-once effect: a repeat changes nothing");
    expect(readCrm(installation.root, "SELECT tier FROM customer WHERE stripe_id = 'cus_1'")).toEqual([
      { tier: "team" },
    ]);
    const lineage = (await installation.hookrail("explain", "customer:cus_1.tier")).stdout;
    expect(lineage).toContain('customer:cus_1.tier is "team"');
    expect(lineage).toContain(id);
  });

  test("the same id again is answered 200 and does nothing", async () => {
    const at = new Date().toISOString();
    for (const status of ["202", "200"]) {
      const sent = await installation.hookrail("send", "stripe/invoice.paid", "--id", "evt_same", "--at", at, "--json");
      expect(JSON.parse(sent.stdout)).toMatchObject({ sent: [{ status: Number(status), provider_id: "evt_same" }] });
    }
    await delivered(engine, 2);
    const [event] = await listEvents(engine);
    expect((await installation.hookrail("explain", event?.id ?? "")).stdout).toContain(
      "1 resend answered 2xx, nothing done twice",
    );
  });

  test("a changed value reaches the CRM; three providers run", async () => {
    const set = "lines.data[1].quantity=9";
    expect((await installation.hookrail("send", "stripe/invoice.paid", "--set", set)).code).toBe(0);
    expect((await installation.hookrail("send", "github/issues.opened")).code).toBe(0);
    expect((await installation.hookrail("send", "typeform/form_response")).code).toBe(0);
    await eventually(
      () => listEvents(engine),
      (events) =>
        events.length === 5 && events.every((event) => event.outcome === "delivered" || event.outcome === "skipped"),
    );
    expect(readCrm(installation.root, "SELECT seats FROM subscription WHERE id = 'sub_1'")).toEqual([{ seats: 9 }]);
  });

  test("a sensitive value is in neither the story nor the log", async () => {
    const [lead] = readCrm<{ email: string }>(installation.root, "SELECT email FROM lead");
    const email = lead?.email ?? "";
    expect(email).toContain("@");
    const [event] = await listEvents(engine, "source=typeform");
    for (const form of [[], ["--json"]]) {
      const story = (await installation.hookrail("explain", event?.id ?? "", ...form)).stdout;
      expect(story).toContain("[sensitive]");
      expect(story).not.toContain(email);
    }
    expect(engine.lines.join("\n")).not.toContain(email);
  });

  test("what can not be mapped is a dead letter that a person closes with a reason", async () => {
    await installation.hookrail(
      "send",
      "stripe/invoice.paid",
      "--set",
      "lines.data[1].pricing.price_details.price=price_unheard_of",
    );
    const letters = await eventually(
      async () =>
        JSON.parse((await installation.hookrail("dead", "list", "--json")).stdout) as {
          dead_letters: readonly { id: string; code: string; event: string }[];
        },
      (answer) => answer.dead_letters.length === 1,
    );
    const [letter] = letters.dead_letters;
    expect(letter?.code).toBe("HK2021");
    expect((await installation.hookrail("explain", letter?.event ?? "")).stdout).toContain("price_unheard_of");
    const noReason = await installation.hookrail("dead", "discard", letter?.id ?? "");
    expect([noReason.code, noReason.stderr]).toEqual([64, expect.stringContaining("HK8008")]);
    expect(
      (await installation.hookrail("dead", "discard", letter?.id ?? "", "--reason", "a price of a test")).code,
    ).toBe(0);
    expect(JSON.parse((await installation.hookrail("dead", "list", "--json")).stdout)).toMatchObject({
      dead_letters: [],
    });
    const again = await installation.hookrail("dead", "retry", letter?.id ?? "");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("HK8004")]);
  });

  test("a paused pipeline keeps what comes until it is resumed", async () => {
    expect((await installation.hookrail("pause", "pipeline", "paid-premium", "--reason", "a test")).code).toBe(0);
    const before = (await listEvents(engine)).length;
    await installation.hookrail("send", "stripe/invoice.paid", "--at", "+1s");
    const [held] = await listEvents(engine);
    expect(held?.outcome).not.toBe("delivered");
    expect((await installation.hookrail("status")).stdout).toMatch(/paused +pipeline paid-premium by/);
    expect((await installation.hookrail("resume", "pipeline", "paid-premium")).stdout).toContain("goes on");
    const events = await eventually(
      () => listEvents(engine),
      (all) => all[0]?.outcome === "delivered" || all[0]?.outcome === "skipped",
    );
    expect(events).toHaveLength(before + 1);
    expect((await installation.hookrail("pause", "pipeline", "nope")).stderr).toContain("HK8014");
  });

  test("a forged signature is refused with one body for every cause, and nothing is stored", async () => {
    const before = (await listEvents(engine)).length;
    const bodies = new Set<string>();
    for (const headers of [
      {},
      { "stripe-signature": "t=1,v1=00" },
      { "stripe-signature": `t=${Math.trunc(Date.now() / 1000)},v1=${"0".repeat(64)}` },
    ]) {
      const answer = await fetch(`${engine.hooks}/hooks/stripe`, {
        method: "POST",
        body: "{}",
        headers: { "content-type": "application/json", ...headers },
      });
      expect(answer.status).toBe(401);
      bodies.add(await answer.text());
    }
    expect(bodies.size).toBe(1);
    expect((await listEvents(engine)).length).toBe(before);
  });

  test("the hooks port serves nothing of the admin API, and the admin port no hooks", async () => {
    for (const path of ["/healthz", "/api/v1/status", "/api/v1/events", "/"])
      expect((await fetch(engine.hooks + path)).status).toBe(404);
    expect(
      (
        await fetch(`${engine.admin}/hooks/stripe`, {
          method: "POST",
          body: "{}",
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(404);
    expect((await fetch(`${engine.admin}/readyz`)).status).toBe(200);
  });

  test("a second engine on the same store is refused and harms nothing", async () => {
    const second = await installation.hookrail("run");
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining("HK4007")]);
    expect((await installation.hookrail("status")).stdout).toContain("running");
  });
});

describe("init in an empty folder", () => {
  test("gives an installation that checks, tests, runs and delivers", async () => {
    const installation = createInstallation();
    try {
      const made = await installation.hookrail("init");
      expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("config.yaml")]);
      expect(statSync(join(installation.root, ".env")).mode & 0o777).toBe(0o600);
      expect((await installation.hookrail("check")).code).toBe(0);
      expect((await installation.hookrail("test")).code).toBe(0);
      expect((await installation.hookrail("init")).stderr).toContain("HK8010");
      useFreePorts(installation.root);
      const engine = await installation.start();
      expect(
        (await installation.hookrail("send", "stripe/invoice.paid", "--body", "events/invoice.paid.json")).code,
      ).toBe(0);
      await delivered(engine, 1);
      expect(readCrm(installation.root, "SELECT tier FROM customer")).toEqual([{ tier: "team" }]);
      expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
      expect(existsSync(join(installation.root, "data/hookrail.db.sock"))).toBe(false);
    } finally {
      installation.remove();
    }
  });
});

describe("a config with errors", () => {
  test("is refused by run with the frame of each, and nothing is made", async () => {
    const installation = createInstallation({ shipped: true });
    try {
      const path = join(installation.root, "config.yaml");
      writeFileSync(
        path,
        readFileSync(path, "utf8")
          .replace("owner: revenue-ops, protected: true,", "owner: revenue-opz, protected: true,")
          .replace("provider: github", "provider: githb"),
      );
      const run = await installation.hookrail("run");
      expect(run.code).toBe(78);
      expect(run.stderr).toMatch(/config\.yaml:\d+:\d+/);
      expect(run.stderr).toContain("revenue-opz");
      expect(run.stderr).toContain("githb");
      expect(run.stdout).toBe("");
      expect(existsSync(join(installation.root, "data"))).toBe(false);
      const check = await installation.hookrail("check");
      expect([check.code, check.stdout]).toEqual([1, expect.stringContaining("did you mean")]);
    } finally {
      installation.remove();
    }
  });
});
