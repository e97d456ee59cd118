import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fail } from "../../engine/core/errors.ts";
import type { SinkDelivery } from "../../engine/plugin/index.ts";
import { createRig, dead, ENV, event, type Rig, startChannels } from "./rig.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let channels: Awaited<ReturnType<typeof startChannels>>;
let rig: Rig;
beforeEach(async () => {
  channels = await startChannels();
});
afterEach(async () => {
  await rig.close();
  await channels.close();
});

const pager = () => `pager: { pagerduty: "\${PD_KEY}", url: "${channels.url}/pager", allow_private: true }`;
const chat = (more = "") => `chat: { slack: "${channels.url}/chat", allow_private: true${more} }`;
const actions = () => channels.heard.map(({ path, body }) => `${path} ${body.event_action ?? body.type ?? "told"}`);

/** Late events of two pipelines, which wait for the CRM. */
async function outage(count = 24) {
  const ids = [];
  for (let n = 0; n < count; n++) ids.push(await event(rig, { pipeline: n % 2 === 0 ? "paid" : "free", waits: true }));
  return ids;
}

describe("an outage of a connection", () => {
  it("is one page for all pipelines that wait for it, over a restart too, and closes itself", async () => {
    rig = await createRig(`teams: { ops: { page: pager } }\nchannels:\n  ${pager()}`);
    const ids = await outage();
    rig.breakers.set("crm", "open");
    await rig.pass(3 * MINUTE);
    expect(actions()).toEqual(["/pager trigger"]);
    const { body } = channels.heard[0] ?? { body: undefined };
    expect(body.payload.summary).toBe("crm is in trouble: free, paid (dev)");
    expect(body.payload.custom_details.type).toContain("hookrail status");
    expect(body.links.map(({ href }: { href: string }) => href)).toEqual([
      "https://runbooks.example.com/free",
      "https://runbooks.example.com/paid",
    ]);
    const counted = () => rig.alerts.known.budgetDocuments().map(({ events, late, left }) => [events, late, left]);
    const before = counted();
    expect(before.map(([events, late]) => [events, late])).toEqual([
      [12, 12],
      [12, 12],
    ]);
    await rig.again();
    await rig.pass(10 * MINUTE);
    expect(actions()).toEqual(["/pager trigger"]);
    expect(counted()).toEqual(before);

    rig.breakers.set("crm", "closed");
    for (const id of ids) await rig.store.settleDelivery({ delivery: id, status: "delivered" });
    // No more events: the short window of six hours and half an hour holds it as long.
    await rig.pass(25 * MINUTE);
    expect(actions()).toEqual(["/pager trigger", "/pager resolve"]);
    expect(rig.alerts.known.openDocuments()).toMatchObject([{ severity: "alert", told: ["log"] }]);
    await rig.pass(6 * HOUR);
    expect(channels.heard[1]?.body.dedup_key).toBe(body.dedup_key);
    expect(rig.alerts.known.openDocuments()).toEqual([]);
    expect(rig.faults).toEqual([]);
  });

  it("is no page where too few events are late to say anything", async () => {
    rig = await createRig(`teams: { ops: { page: pager } }\nchannels:\n  ${pager()}`);
    await outage(4);
    await rig.pass(10 * MINUTE);
    expect(actions()).toEqual([]);
  });

  it("tells each team of its own channel, and no other", async () => {
    rig = await createRig(
      `teams: { ops: { page: pager }, finance: { alerts: chat } }\nchannels:\n  ${pager()}\n  ${chat()}`,
      { paid: "ops", free: "finance" },
    );
    await outage();
    await rig.pass(3 * MINUTE);
    expect(actions().sort()).toEqual(["/chat told", "/pager trigger"]);
    expect(channels.heard.find(({ path }) => path === "/chat")?.body.text).toContain(
      ":rotating_light: *crm is in trouble",
    );
  });
});

describe("a paused connection", () => {
  it("is a page at once when our credentials are refused, and says what to type, without personal data", async () => {
    rig = await createRig(`teams: { ops: { page: pager } }\nchannels:\n  ${pager()}`);
    const reason = "answered 401: no access for ada@example.com";
    const pause = { kind: "connection", name: "crm", since: rig.clock.now(), by: "engine", reason } as const;
    const audit = { at: 0, actor: "engine", action: "pause", target: "connection crm", reason };
    await rig.store.setPause(pause, audit);
    await rig.pass(MINUTE);
    const { custom_details: details } = channels.heard[0]?.body.payload ?? {};
    expect(details.what[0]).toContain("crm refuses our credentials");
    expect(details.type).toContain("hookrail resume connection crm");
    expect(channels.heard[0]?.text).not.toContain("ada@example.com");
    await rig.store.clearPause("connection", "crm", audit);
    await rig.pass(5 * MINUTE);
    expect(actions()).toEqual(["/pager trigger", "/pager resolve"]);
  });

  it("is nobody's alert when a person paused it, until it looks forgotten", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    const pause = { kind: "connection", name: "crm", since: rig.clock.now(), by: "ann", reason: "" } as const;
    await rig.store.setPause(pause, { at: 0, actor: "ann", action: "pause", target: "connection crm", reason: "" });
    await rig.pass(HOUR);
    expect(actions()).toEqual([]);
    await rig.pass(2 * MINUTE);
    expect(channels.heard[0]?.body.text).toContain("connection crm has been paused by ann for 61m");
  });
});

describe("dead letters", () => {
  it("are told with code and command, once, again when there are twice as many, and are over when they are dealt with", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    const ids = [await dead(rig)];
    await rig.pass(2 * MINUTE);
    expect(channels.heard[0]?.body.text).toContain("paid: 1 dead letter (HK2001)");
    expect(channels.heard[0]?.body.text).toContain("`hookrail dead list --pipeline paid`");
    ids.push(await dead(rig));
    await rig.pass(6 * MINUTE);
    expect(channels.heard.map(({ body }) => body.text.split("\n")[0])).toEqual([
      ":warning: *paid is in trouble (dev)*",
      ":warning: *update: paid is in trouble (dev)*",
    ]);
    for (const id of ids)
      await rig.store.discardDeadLetter(id, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
    await rig.pass(5 * MINUTE);
    expect(channels.heard.at(-1)?.body.text).toMatch(/^:white_check_mark: \*resolved: /);
  });

  it("go by the rule that an author wrote for a pipeline, and can be told to nobody", async () => {
    rig = await createRig(
      `teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}\n  ${pager()}\nalerts:\n` +
        "  wake: { on: dead_letter, pipelines: [paid], severity: page, to: pager, runbook: https://example.com/wake }\n" +
        "  calm: { on: dead_letter, pipelines: [free], severity: off }\n",
    );
    await dead(rig, "paid");
    await dead(rig, "free");
    await rig.pass(2 * MINUTE);
    expect(actions()).toEqual(["/pager trigger"]);
    expect(channels.heard[0]?.body.links[0].href).toBe("https://example.com/wake");
    expect(
      rig.alerts.known
        .openDocuments()
        .map(({ severity }) => severity)
        .sort(),
    ).toEqual(["off", "page"]);
  });
});

describe("channels", () => {
  it("hand over to their fallback when they can not be reached, which then hears of the end too", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat(", fallback: pager")}\n  ${pager()}`);
    channels.statuses.set("/chat", 500);
    const id = await dead(rig);
    await rig.pass(3 * MINUTE);
    expect(actions()).toEqual(["/pager trigger"]);
    const shown = rig.alerts.known.channelDocuments().find(({ name }) => name === "chat");
    expect(shown?.failing).toMatchObject({ attempts: 3, detail: "status 500" });
    expect(rig.alerts.known.summary().failing_channels).toEqual(["chat"]);
    await rig.store.discardDeadLetter(id, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
    await rig.pass(10 * MINUTE);
    expect(actions()).toContain("/pager resolve");
  });

  it("are tried again until they answer, and hear in order", async () => {
    rig = await createRig(`teams: { ops: { alerts: pager } }\nchannels:\n  ${pager()}`);
    channels.statuses.set("/pager", 503);
    const id = await dead(rig);
    await rig.pass(2 * MINUTE);
    await rig.store.discardDeadLetter(id, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
    await rig.pass(5 * MINUTE);
    expect(actions()).toEqual([]);
    channels.statuses.clear();
    await rig.pass(10 * MINUTE);
    expect(actions()).toEqual(["/pager trigger", "/pager resolve"]);
  });

  it("sign as Standard Webhooks does, and carry the whole alert", async () => {
    rig = await createRig(
      `teams: { ops: { alerts: hook } }\nchannels:\n  hook: { webhook: "${channels.url}/hook", signing_secret: "\${WHSEC}", allow_private: true }`,
    );
    await dead(rig);
    await rig.pass(2 * MINUTE);
    const [{ headers, text, body } = fail("HK9001", { what: "calls", value: 0 })] = channels.heard;
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${text}`;
    const key = Buffer.from(ENV.WHSEC.slice("whsec_".length), "base64");
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
    expect(body).toMatchObject({
      type: "alert.firing",
      data: {
        severity: "alert",
        cause: { kind: "pipeline", name: "paid" },
        pipelines: [{ name: "paid", owner: "ops" }],
      },
    });
  });

  it("may be a file, and without any the log hears", async () => {
    rig = await createRig("teams: { ops: { alerts: file } }\nchannels: { file: { file: alerts.ndjson } }", {
      paid: "ops",
      free: "ops",
    });
    await dead(rig);
    await rig.pass(2 * MINUTE);
    expect(rig.lines[0]).toMatch(/^alerts\.ndjson: \{"kind":"firing"/);
    await rig.close();
    rig = await createRig("teams: { ops: {} }");
    await dead(rig);
    await rig.pass(2 * MINUTE);
    expect(rig.lines).toEqual(["alert: paid is in trouble (dev)"]);
  });

  it("may be a connection of the config, which is told the alert as one of its own effects", async () => {
    rig = await createRig("teams: { ops: { alerts: own } }\nchannels: { own: { to: crm, params: { channel: ops } } }");
    const prepared: SinkDelivery[] = [];
    rig.sink = {
      ...rig.sink,
      prepare(one) {
        prepared.push(one);
        return { summary: "", data: {} };
      },
    };
    const id = await dead(rig);
    await rig.pass(2 * MINUTE);
    await rig.store.discardDeadLetter(id, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
    await rig.pass(5 * MINUTE);
    expect(prepared.map(({ kind, eventName }) => `${kind} ${eventName}`)).toEqual([
      "effect alert.firing",
      "effect alert.resolved",
    ]);
    const [first, last] = prepared;
    expect(first?.params).toMatchObject({ channel: "ops", alert: first?.entity.key });
    expect(last?.entity.key).toBe(first?.entity.key);
    expect(last?.idempotencyKey).not.toBe(first?.idempotencyKey);
  });

  it("show nothing of what a sink in code throws: it may hold a token or a person's address", async () => {
    rig = await createRig("teams: { ops: { alerts: own } }\nchannels: { own: { to: crm } }");
    rig.sink = {
      ...rig.sink,
      prepare() {
        throw new TypeError("no room for ada@lovelace.example with token-1");
      },
    };
    await dead(rig);
    await rig.pass(2 * MINUTE);
    expect(rig.alerts.known.channelDocuments()[0]?.failing?.detail).toBe("it failed");
    expect(rig.lines.join("\n")).not.toContain("lovelace");
  });

  it("do not reach a private address unless that is allowed", async () => {
    rig = await createRig(`teams: { ops: { alerts: hook } }\nchannels:\n  hook: { webhook: "${channels.url}/hook" }`);
    await dead(rig);
    await rig.pass(2 * MINUTE);
    expect(channels.heard).toEqual([]);
    expect(rig.alerts.known.channelDocuments()[0]?.failing?.detail).toContain("refused_address");
  });

  it("can be tried, and a pager is closed again", async () => {
    rig = await createRig(`teams: { ops: { alerts: pager } }\nchannels:\n  ${pager()}`);
    const by = { actor: "ann", reason: "" };
    expect(await rig.alerts.hands.test("pager", by)).toMatchObject({ ok: true });
    expect(actions()).toEqual(["/pager trigger", "/pager resolve"]);
    channels.statuses.set("/pager", 403);
    expect(await rig.alerts.hands.test("pager", by)).toMatchObject({ ok: false, detail: "status 403" });
    await expect(rig.alerts.hands.test("none", by)).rejects.toMatchObject({ code: "HK8202" });
  });
});

describe("silences", () => {
  it("keep quiet what matches, audited and recorded, until they end", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    const by = { actor: "ann", reason: "deploy" };
    const { id } = await rig.alerts.hands.silence({ match: "pipeline=paid", forMs: HOUR }, by);
    await dead(rig);
    await rig.pass(10 * MINUTE);
    expect(actions()).toEqual([]);
    expect(rig.alerts.known.openDocuments()[0]?.silenced).toBe(`${id} by ann: deploy`);
    expect((await rig.store.audit(1))[0]).toMatchObject({ actor: "ann", action: "alerts.silence", reason: "deploy" });
    await dead(rig, "free");
    await rig.pass(2 * MINUTE);
    expect(channels.heard.map(({ body }) => body.text.split("\n")[0])).toEqual([
      ":warning: *free is in trouble (dev)*",
    ]);
    await rig.pass(HOUR);
    expect(channels.heard.at(-1)?.body.text).toContain("paid is in trouble");
  });

  it("end early, and are refused where they say nothing or have no end", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    const by = { actor: "ann", reason: "" };
    const { id } = await rig.alerts.hands.silence({ match: "*", forMs: HOUR }, by);
    await dead(rig);
    await rig.pass(2 * MINUTE);
    expect(await rig.alerts.hands.endSilence(id, by)).toBe(true);
    await rig.pass(MINUTE);
    expect(actions()).toEqual(["/chat told"]);
    await expect(rig.alerts.hands.silence({ match: "pipeline: x", forMs: HOUR }, by)).rejects.toMatchObject({
      code: "HK8200",
    });
    await expect(rig.alerts.hands.silence({ match: "*", forMs: 31 * 24 * HOUR }, by)).rejects.toMatchObject({
      code: "HK8201",
    });
  });

  it("are windows of the config too", async () => {
    rig = await createRig(
      `teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}\nalerting:\n  maintenance: [{ match: pipeline=paid, reason: backup, at: "00:00", for: 1h }]`,
    );
    await dead(rig);
    await rig.pass(30 * MINUTE);
    expect(actions()).toEqual([]);
    expect(rig.alerts.known.maintenance()).toEqual([{ match: "pipeline=paid", reason: "backup" }]);
    await rig.pass(31 * MINUTE);
    expect(actions()).toEqual(["/chat told"]);
  });
});

describe("what is around the flow", () => {
  const size = { bytes: 1, freeBytes: 0, walBytes: 0, diskFreeBytes: 1_048_576 };

  it("is told when the store is full, though the store takes nothing any more", async () => {
    rig = await createRig(`channels:\n  ${pager()}\nalerting: { page: pager }\nteams: { ops: {} }`);
    rig.alerts.observer.stored?.({ ...size, reserveBytes: 64, findings: [] });
    await rig.pass(MINUTE);
    Object.assign(rig, { store: { ...rig.store, saveAlerts: async () => fail("HK4008") } });
    await rig.again();
    rig.alerts.observer.stored?.({ ...size, reserveBytes: 64, findings: [] });
    rig.alerts.observer.stored?.({ ...size, reserveBytes: 0, findings: ["disk_nearly_full"] });
    await rig.pass(2 * MINUTE);
    expect(actions()).toEqual(["/pager trigger"]);
    expect(channels.heard[0]?.body.payload.custom_details.what[0]).toContain(
      "nearly full (1 MiB free), and its reserve is used",
    );
    expect(rig.faults.length).toBeGreaterThan(0);
    rig.alerts.observer.stored?.({ ...size, reserveBytes: 64, findings: [] });
    await rig.pass(5 * MINUTE);
    expect(actions()).toEqual(["/pager trigger", "/pager resolve"]);
  });

  it("is told of other alerts too while the store fails", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    await dead(rig);
    Object.assign(rig, { store: { ...rig.store, saveAlerts: async () => fail("HK4008") } });
    await rig.again();
    await rig.pass(5 * MINUTE);
    expect(actions()).toEqual(["/chat told"]);
  });

  it("is a spike of signatures that fail, and not what scanners do all day", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}`);
    const refuse = async (times: number) => {
      for (let n = 0; n < times; n++)
        rig.alerts.observer.ingested({
          source: "stripe",
          outcome: "unauthorized",
          status: 401,
          events: [],
          remoteAddress: "",
        });
    };
    for (let minute = 0; minute < 60; minute++) {
      await refuse(10);
      await rig.pass(MINUTE);
    }
    channels.heard.length = 0;
    await rig.pass(10 * MINUTE);
    for (let minute = 0; minute < 5; minute++) {
      await refuse(100);
      await rig.pass(MINUTE);
    }
    expect(channels.heard.map(({ body }) => body.text).join()).toContain("had no valid signature, and none was taken");
  });

  it("is a source that is silent for longer than it declares, from the start of the engine on", async () => {
    rig = await createRig(
      `teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}\nalerts: { quiet: { on: silence, above: 30m } }`,
    );
    await rig.pass(29 * MINUTE);
    expect(actions()).toEqual([]);
    await rig.pass(3 * MINUTE);
    expect(channels.heard[0]?.body.text).toContain("stripe: no event for 31m (expected every 30m)");
    rig.alerts.observer.ingested({
      source: "stripe",
      outcome: "accepted",
      status: 202,
      events: ["evt_1" as never],
      kinds: ["new"],
      remoteAddress: "",
    });
    await rig.pass(5 * MINUTE);
    expect(channels.heard.at(-1)?.body.text).toContain("resolved");
  });

  it("is a config that was refused and stays so, a clock that is wrong, and a secret that waits", async () => {
    rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${chat()}\nalerting: { default: chat }`);
    rig.reloadRefused = { at: rig.clock.now(), code: "HK8040" };
    rig.alerts.observer.clockSkewed?.({
      cause: "all_sources",
      sources: ["stripe"],
      medianMs: -120_000,
      limitMs: 60_000,
      requests: 20,
    });
    const secret = { source: "stripe", name: "s", fingerprint: "abc123", value: "canary-secret", learnedAt: 0 };
    await rig.store.learnSecret({ ...secret, status: "pending" });
    await rig.pass(7 * MINUTE);
    const text = channels.heard.map((one) => one.text).join("\n");
    expect(text).toContain("the config was changed and refused (HK8040)");
    expect(text).toContain("2m ahead of this machine's clock");
    expect(text).toContain("hookrail secrets accept stripe abc123");
    expect(text).not.toContain("canary-secret");
  });
});

it("counts each event once over a crash between any two looks", async () => {
  rig = await createRig("teams: { ops: {} }");
  for (let n = 0; n < 30; n++) {
    await event(rig, { waits: n % 3 === 0 });
    await rig.pass(20_000);
    if (n % 7 === 0) await rig.again();
  }
  await rig.pass(2 * MINUTE);
  await rig.again();
  await rig.pass(10_000);
  const [, paid] = rig.alerts.known.budgetDocuments();
  expect(paid).toMatchObject({ pipeline: "paid", events: 30, late: 10 });
  expect(JSON.stringify(rig.alerts.known)).not.toContain(ENV.PD_KEY);
});
