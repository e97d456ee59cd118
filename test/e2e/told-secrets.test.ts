/** Secrets that providers tell in a handshake, from the request that tells one to the event it vouches for, through the real program. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  createInstallation,
  eventually,
  type Installation,
  listEvents,
  type RunningEngine,
} from "../support/engine-process.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TOLD = "told-canary-9f2c";
const STRANGER = "stranger-canary-77aa";

let installation: Installation;
let engine: RunningEngine;

beforeAll(async () => {
  installation = createInstallation({
    files: {
      "config.yaml": `environment: dev
server: { port: 0 }
admin: { port: 0 }
limits: { disk_reserve: 0B }
teams: { ops: {} }
seed: none
entities: { task: { attributes: { action: { type: string, owner: ops } } } }
sources:
  tasks: { provider: asana, path: /hooks/tasks }
connections:
  out: { sink: file, path: ./out.ndjson }
`,
      "pipelines/tasks.yaml": `pipeline: tasks
owner: ops
source: tasks
rules:
  - { on: task.changed, write: { task: { key: resource.gid, fields: { action: action } } } }
deliver:
  - { to: out, entity: task }
`,
    },
  });
  engine = await installation.start();
});

afterAll(async () => {
  await engine?.end("SIGTERM");
  installation?.remove();
});

const tell = (secret: string) =>
  fetch(`${engine.hooks}/hooks/tasks`, { method: "POST", headers: { "x-hook-secret": secret } });

function change(n: number, secret: string): Promise<Response> {
  const body = JSON.stringify({
    events: [
      {
        created_at: new Date(Date.now() - 60_000 + n).toISOString(),
        action: "changed",
        resource: { gid: `${1000 + n}`, resource_type: "task" },
        change: { field: "assignee", action: "changed" },
      },
    ],
  });
  const signature = createHmac("sha256", secret).update(body).digest("hex");
  return fetch(`${engine.hooks}/hooks/tasks`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", "x-hook-signature": signature },
  });
}

const waiting = async () => {
  const page = await (await fetch(`${engine.admin}/metrics`)).text();
  return /^hookrail_secrets_waiting\{source="tasks"\} (\d+)$/m.exec(page)?.[1];
};
const status = async () => JSON.parse((await installation.hookrail("status", "--json")).stdout);
const listed = async () => JSON.parse((await installation.hookrail("secrets", "list", "--json")).stdout).secrets;

test("a told secret waits, is shown, accepted, vouches for events, and is discarded: each step through the live engine", async () => {
  expect(await waiting()).toBe("0");
  expect((await status()).waiting_secrets).toEqual([]);
  const told = await tell(TOLD);
  // The provider wants to see its secret again before it sends anything.
  expect([told.status, told.headers.get("x-hook-secret")]).toEqual([200, TOLD]);
  expect((await tell(STRANGER)).status).toBe(200);
  expect((await tell(TOLD)).status).toBe(200);

  const found: { source: string; secret: string; name: string; status: string }[] = await listed();
  expect(found).toHaveLength(2);
  expect(found.every((one) => one.status === "pending" && one.source === "tasks" && one.name === "hook_secret")).toBe(
    true,
  );
  const values = new Map<string, string>();
  for (const { secret } of found)
    values.set((await installation.hookrail("secrets", "show", "tasks", secret)).stdout.trim(), secret);
  const [mine = "", theirs = ""] = [values.get(TOLD), values.get(STRANGER)];
  expect([...values.keys()].sort()).toEqual([STRANGER, TOLD]);

  expect(await waiting()).toBe("2");
  expect((await status()).waiting_secrets).toMatchObject([
    { source: "tasks", secret: mine, name: "hook_secret" },
    { source: "tasks", secret: theirs, name: "hook_secret" },
  ]);
  const shown = (await installation.hookrail("status")).stdout;
  expect(shown).toMatch(new RegExp(`secret\\s+${mine} of tasks waits since .*hookrail secrets accept`));
  expect((await change(1, TOLD)).status).toBe(401);

  const accepted = await installation.hookrail("secrets", "accept", "tasks", mine, "--reason", "typed in by ada");
  expect([accepted.code, accepted.stdout]).toEqual([0, `${mine} of tasks verifies requests from now on\n`]);
  expect((await change(2, TOLD)).status).toBe(202);
  expect((await change(3, STRANGER)).status).toBe(401);
  await eventually(
    () => listEvents(engine),
    (events) => events.length === 1 && events[0]?.outcome === "delivered",
  );

  const discarded = await installation.hookrail("secrets", "discard", "tasks", theirs.slice(0, 6));
  expect([discarded.code, discarded.stdout]).toEqual([0, `${theirs} of tasks is forgotten\n`]);
  expect(await listed()).toMatchObject([{ secret: mine, status: "accepted" }]);
  expect(await waiting()).toBe("0");
  expect((await status()).waiting_secrets).toEqual([]);

  expect((await installation.hookrail("secrets", "discard", "tasks", mine)).code).toBe(0);
  expect((await change(4, TOLD)).status).toBe(401);
  const none = await installation.hookrail("secrets", "accept", "tasks", mine);
  expect([none.code === 0, none.stderr]).toEqual([false, expect.stringContaining("400")]);
});

test("the log says that a secret waits and how to look at it, and no output has a value but `secrets show`", async () => {
  const lines = engine.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ msg }) => String(msg).includes("hookrail secrets show"))).toMatchObject([
    { source: "tasks", name: "hook_secret", fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) },
    { source: "tasks", name: "hook_secret", fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) },
  ]);
  const told = engine.lines.join("\n") + engine.stderr();
  expect(told).not.toContain(TOLD);
  expect(told).not.toContain(STRANGER);
});

test("so many wait and no more: a stranger can not fill the store", async () => {
  for (let n = 0; n < 8; n++) expect((await tell(`flood-${n}-${"x".repeat(20)}`)).status).toBe(200);
  expect((await tell(`flood-9-${"x".repeat(20)}`)).status).toBeGreaterThanOrEqual(400);
  expect(await waiting()).toBe("8");
});
