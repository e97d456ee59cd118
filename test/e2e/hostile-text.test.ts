/**
 * What senders write ends up before people: on terminals, in JSON that is shown on terminals, in pages. Control characters,
 * letters that turn a line around and markup go into a real engine in every field it keeps; nothing may come out as such.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInstallation, eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { signed } from "../support/payments.ts";

/** Clears the screen, names the window, writes with C1, turns the line around, ends it. */
const HOSTILE =
  "x\u001b[2J\u001b]0;owned\u0007\u009b31m\u0090\u202eevil\u2066\u2028\u007f\r\nforged line<img src=x>`=1+1";
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;
const SECRET = "whsec_hostile";

let installation: Installation;
let engine: RunningEngine;

const config = `
environment: dev
env_file: .env
store: sqlite:./data/hookrail.db
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
sources: { pay: { provider: stripe, path: /hooks/pay, root: data.object, secrets: ["\${PAY}"] } }
entities:
  lead:
    ids: [code]
    attributes:
      code: { type: string, owner: ops }
      name: { type: string, owner: ops }
      tier: { type: string, enum: [free, pro], owner: ops }
connections: { out: { sink: file, path: data/out.ndjson } }
`;
const pipeline = `
pipeline: leads
owner: ops
source: pay
rules:
  - on: lead.*
    write: { lead: { key: code, fields: { code: code, name: name, tier: { from: tier, invalid: reject } } } }
deliver: [{ to: out, entity: lead }]
`;

beforeAll(async () => {
  installation = createInstallation({
    files: { "config.yaml": config, "pipelines/leads.yaml": pipeline, ".env": `PAY=${SECRET}\n` },
  });
  engine = await installation.start();
});
afterAll(async () => {
  await engine?.end("SIGKILL");
  installation?.remove();
});

async function post(id: string, object: object, type = "lead.made"): Promise<void> {
  const body = JSON.stringify({
    id,
    object: "event",
    type,
    created: Math.floor(Date.now() / 1000),
    data: { object },
  });
  const headers = { ...signed(body, Date.now(), SECRET), "user-agent": "\u009b2J\u00ff" };
  expect((await fetch(`${engine.hooks}/hooks/pay`, { method: "POST", body, headers })).status).toBe(202);
}

interface Listed {
  readonly events: readonly { readonly id: string; readonly outcome: string }[];
}

describe("hostile text", { timeout: 480_000 }, () => {
  test("moves no cursor, turns no line around and adds no line, in text and in JSON", async () => {
    await post("evt_1", { code: `key${HOSTILE}`, name: HOSTILE, tier: "pro" });
    await post("evt_2", { code: `key2${HOSTILE}`, name: HOSTILE, tier: HOSTILE });
    // Neither an id nor a type can be like that: it is kept as one that could not be read.
    await post(`evt_${HOSTILE}`, { code: "k" }, `lead.${HOSTILE}`);
    const all = await eventually(
      async () => (await (await fetch(`${engine.admin}/api/v1/events`)).json()) as Listed,
      ({ events }) =>
        events.some(({ outcome }) => outcome === "delivered") &&
        events.some(({ outcome }) => outcome === "dead_letter"),
    );
    const letters = (await (await fetch(`${engine.admin}/api/v1/dead-letters`)).json()) as {
      readonly dead_letters: readonly { readonly id: string }[];
    };
    const [dead, delivered] = ["dead_letter", "delivered"].map(
      (outcome) => all.events.find((one) => one.outcome === outcome)?.id ?? "",
    );
    const commands = [
      ["events", "--json"],
      ["tail", "--no-follow", "--all"],
      ["tail", "--no-follow", "--all", "--json"],
      ["dead", "list"],
      ["dead", "show", letters.dead_letters.at(-1)?.id ?? ""],
      ["explain", delivered ?? ""],
      ["explain", delivered ?? "", "--json"],
      ["explain", dead ?? ""],
      ["eval", "$", "--event", delivered ?? ""],
      ["eval", "$", "--event", delivered ?? "", "--json"],
      ["record", delivered ?? "", "--out", "recorded.json"],
    ];
    const bad: string[] = [];
    for (const command of commands) {
      const { code, stdout, stderr } = await installation.hookrail(...command);
      expect([0, 1, 2], `${command.join(" ")}: ${stderr}`).toContain(code);
      const found = UNSAFE.exec(stdout) ?? UNSAFE.exec(stderr);
      if (found !== null) bad.push(`${command[0]} ${command.at(-1)}: \\u${found[0].charCodeAt(0).toString(16)}`);
      if (/^forged line/m.test(`${stdout}${stderr}`)) bad.push(`${command.join(" ")}: a line of its own`);
      if (command.includes("--json")) for (const line of stdout.trim().split("\n")) JSON.parse(line);
    }
    expect(bad).toEqual([]);
    for (const line of engine.lines) expect(line).not.toMatch(UNSAFE);
    expect(engine.stderr()).not.toMatch(UNSAFE);
  });
});
