/** A restart makes nothing well: what was counted in memory stays an alert until a whole window has been seen again. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newEvent } from "../support/store-fixtures.ts";
import { createRig, type Rig, startChannels } from "./rig.ts";

const MINUTE = 60_000;

let channels: Awaited<ReturnType<typeof startChannels>>;
let rig: Rig;
beforeEach(async () => {
  channels = await startChannels();
});
afterEach(async () => {
  await rig.close();
  await channels.close();
});

const slack = (name: string) => `${name}: { slack: "${channels.url}/${name}", allow_private: true }`;
const start = async (more = "") => {
  rig = await createRig(`teams: { ops: { alerts: chat } }\nchannels:\n  ${slack("chat")}\n${more}`);
};
/** The first line of each message, without marks. */
const heard = () => channels.heard.map(({ body }) => /\*(.*)\*/.exec(body.text)?.[1]);
const refuse = (times: number) => {
  for (let n = 0; n < times; n++)
    rig.alerts.observer.ingested({
      source: "stripe",
      outcome: "unauthorized",
      status: 401,
      events: [],
      remoteAddress: "",
    });
};
const TROUBLE = "source stripe needs a look: free, paid (dev)";

describe("after a restart", () => {
  it("a spike of bad signatures is over only when five minutes have been quiet since", async () => {
    await start();
    refuse(40);
    await rig.pass(2 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    await rig.again();
    await rig.pass(4 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    expect(rig.alerts.known.openDocuments()[0]?.findings[0]?.text).toMatch(/ \(before the restart\)$/);
    await rig.pass(4 * MINUTE);
    expect(heard()).toEqual([TROUBLE, `resolved: ${TROUBLE}`]);
  });

  it("it is the same alert where it goes on, told in the words of now", async () => {
    await start();
    refuse(40);
    await rig.pass(2 * MINUTE);
    await rig.again();
    await rig.again();
    refuse(30);
    await rig.pass(MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    expect(rig.alerts.known.openDocuments()[0]?.findings[0]?.text).toMatch(/^stripe: 30 requests in the last 5m/);
  });

  it("drift stays for its hour, and is nobody's any more once its rule says so", async () => {
    await start();
    await rig.store.saveAlerts({
      counts: [],
      cursors: [],
      hours: [],
      messages: [],
      alerts: ["paid", "gone"].map((pipeline) => ({
        id: `alr_${pipeline}`,
        subject: `pipeline:${pipeline}`,
        openedAt: rig.clock.now(),
        document: {
          severity: "alert",
          told: [],
          members: [
            {
              id: `drift ${pipeline}`,
              kind: "drift",
              rule: "drift",
              severity: "alert",
              cause: `pipeline:${pipeline}`,
              pipelines: [pipeline],
              text: "it drifts",
              type: [],
              size: 1,
              forMs: 0,
              firstSeen: rig.clock.now(),
              lastSeen: rig.clock.now(),
            },
          ],
        },
      })),
    });
    await rig.again();
    await rig.pass(59 * MINUTE);
    expect(rig.alerts.known.openDocuments().map(({ id }) => id)).toEqual(["alr_paid"]);
    await rig.pass(4 * MINUTE);
    expect(rig.alerts.known.openDocuments()).toEqual([]);
  });

  it("a silent source is still silent until it is heard", async () => {
    await start("alerts: { quiet: { on: silence, above: 30m } }");
    await rig.pass(32 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    await rig.again();
    await rig.pass(10 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    const events = ["evt_1" as never];
    rig.alerts.observer.ingested({
      source: "stripe",
      outcome: "accepted",
      status: 202,
      events,
      kinds: ["new"],
      remoteAddress: "",
    });
    await rig.pass(5 * MINUTE);
    expect(heard()).toEqual([TROUBLE, `resolved: ${TROUBLE}`]);
  });

  it("a rule's `for` is not waited for again", async () => {
    await start("alerts: { dead: { on: dead_letter, for: 10m } }");
    await unreadable();
    await rig.pass(12 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
    await rig.again();
    await rig.pass(5 * MINUTE);
    expect(heard()).toEqual([TROUBLE]);
  });
});

let made = 0;
async function unreadable(): Promise<void> {
  const unreadable = { code: "HK3010", message: "no JSON" } as const;
  const events = [newEvent(`evt_unreadable_${++made}`, { receivedAt: rig.clock.now(), unreadable })];
  await rig.store.accept({ events, pipelines: [["paid", "free"]] });
}

describe("events that could not be read", () => {
  it("go to the teams of all pipelines of their source, each once", async () => {
    rig = await createRig(
      `teams: { ops: { alerts: chat }, finance: { alerts: books } }\nchannels:\n  ${slack("chat")}\n  ${slack("books")}
alerts: { own: { on: dead_letter, pipelines: [free], severity: off } }`,
      { paid: "ops", free: "finance", trial: "ops" },
    );
    await unreadable();
    await unreadable();
    await rig.pass(2 * MINUTE);
    expect(channels.heard.map(({ path }) => path).sort()).toEqual(["/books", "/chat"]);
    const [{ body }] = channels.heard as [(typeof channels.heard)[number]];
    expect(body.text).toContain("source stripe needs a look: free, paid, trial (dev)");
    expect(body.text).toContain("stripe: 2 events could not be read (HK3010), the oldest for 40s");
    expect(body.text).toContain("`hookrail dead list`");
    for (const { id } of await rig.store.deadLetters({ status: "open" }))
      await rig.store.discardDeadLetter(id, { at: 0, actor: "ann", action: "x", target: "", reason: "" });
    await rig.pass(4 * MINUTE);
    expect(channels.heard.map(({ path }) => path).sort()).toEqual(["/books", "/books", "/chat", "/chat"]);
  });
});
