/** Channels over connections of the config, with the shipped presets and services that answer as the real ones do. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRig, dead, event, type Rig, startChannels } from "./rig.ts";

const MINUTE = 60_000;
const CHAT = "/api/chat.postMessage";
const PAGER = "/v2/enqueue";

let services: Awaited<ReturnType<typeof startChannels>>;
let rig: Rig;
beforeEach(async () => {
  services = await startChannels();
  services.answers.set(CHAT, { ok: true, ts: "1.2" });
  services.answers.set(PAGER, { status: "success", message: "Event processed", dedup_key: "x" });
  services.statuses.set(PAGER, 202);
  const own = `base_url: "${services.url}", allow_private: true`;
  rig = await createRig(
    `teams: { ops: { alerts: chat, page: pager } }
channels:
  chat: { to: team_chat, params: { channel: "#ops" } }
  pager: { to: team_pager }`,
    undefined,
    `  team_chat: { sink: slack, token: "\${SLACK_TOKEN}", ${own} }
  team_pager: { sink: pagerduty, routing_key: "\${PD_KEY}", ${own} }`,
  );
});
afterEach(async () => {
  await rig.close();
  await services.close();
});

const discard = (id: string) =>
  rig.store.discardDeadLetter(id as never, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
const to = (path: string) => services.heard.filter((one) => one.path === path);

describe("a channel over a connection", () => {
  it("is a message in Slack, as the preset for it writes it, and one more at the end", async () => {
    const id = await dead(rig);
    await rig.pass(2 * MINUTE);
    const [{ headers, body } = expect.unreachable("nothing told")] = to(CHAT);
    expect(headers["authorization"]).toBe("Bearer xoxb-canary");
    expect(body).toMatchObject({ channel: "#ops", unfurl_links: false });
    expect(body.text).toContain("paid is in trouble (dev)\npaid: 1 dead letter (HK2001)");
    expect(body.text).toContain("type: hookrail dead list --pipeline paid");
    await discard(id);
    await rig.pass(4 * MINUTE);
    expect(to(CHAT).map(({ body: { text } }) => text.split("\n")[0])).toEqual([
      "paid is in trouble (dev)",
      "resolved: paid is in trouble (dev)",
    ]);
  });

  it("is an incident in PagerDuty that the end closes, under one key, and worse than an alert", async () => {
    const ids = [];
    for (let n = 0; n < 24; n++) ids.push(await event(rig, { waits: true }));
    await rig.pass(3 * MINUTE);
    const [{ body } = expect.unreachable("nothing told")] = to(PAGER);
    expect(body).toMatchObject({ event_action: "trigger", payload: { severity: "critical" } });
    expect(body.routing_key).toMatch(/^pd-canary/);
    expect(body.payload.summary).toContain("paid");
    for (const id of ids) await rig.store.settleDelivery({ delivery: id, status: "delivered" });
    await rig.pass(60 * MINUTE);
    expect(to(PAGER).map((one) => [one.body.event_action, one.body.dedup_key])).toEqual([
      ["trigger", body.dedup_key],
      ["resolve", body.dedup_key],
    ]);
  });

  it("fails where Slack answers 200 and says no, and the reason is shown", async () => {
    services.answers.set(CHAT, { ok: false, error: "channel_not_found" });
    const by = { actor: "ann", reason: "" };
    expect(await rig.alerts.hands.test("chat", by)).toMatchObject({
      ok: false,
      detail: expect.stringContaining("channel_not_found"),
    });
    services.answers.set(CHAT, { ok: true });
    expect(await rig.alerts.hands.test("chat", by)).toMatchObject({ ok: true });
    expect(await rig.alerts.hands.test("pager", by)).toMatchObject({ ok: true });
    expect(to(PAGER).map((one) => one.body.event_action)).toEqual(["trigger", "resolve"]);
    expect(JSON.stringify(rig.alerts.known.channelDocuments())).not.toMatch(/canary/);
  });
});
