/** Reloads of a real engine under load, one in three of them broken: no sender sees any of it, and every sink has everything once. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Pool } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Crm, startCrm } from "../support/crm.ts";
import { eventually, type Installation, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger, isAck, type Ledger } from "../support/ledger.ts";
import { PATH, payment, SECRET, signed, yesterday } from "../support/payments.ts";
import { report } from "../support/report.ts";
import { faultFactor, runSeed, type Seeded, seeded } from "../support/seeded.ts";
import { expectApplied, expectHttp, expectSql, settled } from "../support/verdict.ts";

let crm: Crm;
let installation: Installation;

beforeEach(async () => {
  crm = await startCrm();
});

afterEach(async () => {
  installation.remove();
  await crm.close();
});

const seed = runSeed();
const RELOADS = 6 * faultFactor();
const WIDTH = 8;

interface Answer {
  readonly result: "taken" | "unchanged" | "refused";
  readonly revision: string;
  readonly error: { readonly code: string } | null;
}

async function reload(engine: RunningEngine): Promise<Answer> {
  const answer = await fetch(`${engine.admin}/api/v1/reload`, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json" },
  });
  return ((await answer.json()) as { readonly reload: Answer }).reload;
}

/** Texts of the config's two files, from round to round. */
interface Texts {
  readonly config: string;
  readonly pipeline: string;
}

/** What a config change may be: of what is mapped, of a sink, of the interpreter, of names that live rows hold. */
const CHANGES: readonly ((first: Texts, round: number) => Texts)[] = [
  ({ config, pipeline }, round) => ({ config, pipeline: pipeline.replace("lag: 60s", `lag: ${60 + round}s`) }),
  ({ config, pipeline }, round) => ({
    config: config.replaceAll("timeout: 60s", `timeout: ${60_000 + round}ms`),
    pipeline,
  }),
  ({ config, pipeline }, round) => ({
    config: config.replace("{ disk_reserve", `{ mapping_timeout: ${250 + round}ms, disk_reserve`),
    pipeline,
  }),
];

/** The connection goes by another name in every second change; its open deliveries go along. */
function named({ config, pipeline }: Texts, renamed: boolean): Texts {
  if (!renamed) return { config: `${config}\nmoved: { connections: { keyed-eu: keyed } }\n`, pipeline };
  return {
    config: `${config.replace("  keyed:", "  keyed-eu:")}\nmoved: { connections: { keyed: keyed-eu } }\n`,
    pipeline: pipeline.replaceAll("to: keyed,", "to: keyed-eu,"),
  };
}

const BROKEN: readonly ((texts: Texts) => Texts)[] = [
  ({ config, pipeline }) => ({ config, pipeline: pipeline.replace("source: pay", "source: paid") }),
  ({ config, pipeline }) => ({ config: `${config}\nserver: [`, pipeline }),
  ({ config, pipeline }) => ({ config: config.replace("server: { port: 0", "server: { port: 18099"), pipeline }),
  // Rows hold it, and nothing is said of where it went.
  ({ config, pipeline }) => ({ config, pipeline: pipeline.replace("pipeline: payments", "pipeline: paid") }),
];

function write(root: string, { config, pipeline }: Texts): void {
  writeFileSync(join(root, "config.yaml"), config);
  writeFileSync(join(root, "pipelines/payments.yaml"), pipeline);
}

interface Run {
  readonly engine: RunningEngine;
  readonly ledger: Ledger;
  readonly random: Seeded;
}

/** Changes the config somewhere amid the load of each round; gives how many reloads were taken and refused. */
async function reloadAmidLoad({ engine, ledger, random }: Run): Promise<{ taken: number; refused: number }> {
  const { root } = installation;
  const first: Texts = {
    config: readFileSync(join(root, "config.yaml"), "utf8"),
    pipeline: readFileSync(join(root, "pipelines/payments.yaml"), "utf8"),
  };
  let current = first;
  let running = (await reload(engine)).revision;
  const counts = { taken: 0, refused: 0 };
  for (let round = 1; round <= RELOADS; round++) {
    const at = random.int(1, 40);
    const begun = Promise.withResolvers<void>();
    const load = ledger.send(engine.hooks, {
      fresh: 60,
      width: WIDTH,
      onAnswer: (answered) => {
        if (answered === at) begun.resolve();
      },
    });
    await begun.promise;
    if (round % 3 === 0) {
      write(root, (BROKEN[random.int(0, BROKEN.length - 1)] as (texts: Texts) => Texts)(current));
      expect(await reload(engine)).toMatchObject({ result: "refused", revision: running });
      counts.refused++;
    } else {
      const change = CHANGES[random.int(0, CHANGES.length - 1)] as (typeof CHANGES)[number];
      current = named(change(first, round), round % 2 === 0);
      write(root, current);
      const answer = await reload(engine);
      // The files are watched too: the change may have been taken before it was asked for.
      expect(answer).toMatchObject({ error: null });
      expect(answer.revision).not.toBe(running);
      running = answer.revision;
      counts.taken++;
    }
    await load;
  }
  write(root, current);
  expect((await reload(engine)).revision).toBe(running);
  return counts;
}

test(
  `${RELOADS} reloads under load, one in three broken, are seen by no sender and lose nothing (HOOKRAIL_FAULT_SEED=${seed})`,
  async () => {
    installation = createFaultInstallation({ crm: crm.url });
    // An attempt without an answer is then a reload's doing and not that of a busy machine.
    const path = join(installation.root, "config.yaml");
    writeFileSync(path, readFileSync(path, "utf8").replaceAll("timeout: 5s", "timeout: 60s"));
    const engine = await installation.start();
    const ledger = createLedger(yesterday());
    const counts = await reloadAmidLoad({ engine, ledger, random: seeded(seed) });
    const answers = [...ledger.entries.values()].flatMap((entry) => entry.answers);
    expect(answers.filter((answer) => !isAck(answer))).toEqual([]);
    expect(ledger.unanswered()).toEqual([]);
    await settled(engine);
    expectApplied(installation.root, ledger);
    expectSql(installation.root, ledger);
    expectHttp(installation.root, crm);
    // Nobody waits in vain for an answer because of a reload.
    const unknown = query(
      installation.root,
      "hookrail.db",
      `SELECT d.connection, a.detail, a.finished_at - a.started_at AS ms FROM attempts a
         JOIN deliveries d ON d.seq = a.delivery_seq WHERE a.outcome = 'unknown'`,
    );
    expect(unknown).toEqual([]);
    const used = query<{ revision: string; known: number }>(
      installation.root,
      "hookrail.db",
      `SELECT DISTINCT o.revision, r.hash IS NOT NULL AS known FROM outcomes o LEFT JOIN revisions r ON r.hash = o.revision
       UNION SELECT DISTINCT e.revision, r.hash IS NOT NULL FROM events e LEFT JOIN revisions r ON r.hash = e.revision`,
    );
    expect(used.filter(({ known }) => known === 0)).toEqual([]);
    expect(used.length).toBeGreaterThan(1);
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
    report("reloads under load", {
      reloads: counts.taken + counts.refused,
      taken: counts.taken,
      refused: counts.refused,
      requests: answers.length,
      "not 2xx": 0,
      lost: 0,
    });
  },
  30_000 + 20_000 * RELOADS,
);

const NEXT = "whsec_the_next_0ne_5ecret";

test("a secret is rotated under load and no request is turned away", async () => {
  installation = createFaultInstallation({ crm: crm.url });
  const { root } = installation;
  const config = readFileSync(join(root, "config.yaml"), "utf8");
  const engine = await installation.start();
  const base = yesterday();
  const pool = new Pool(engine.hooks, { connections: WIDTH });
  const statuses = new Map<number, number>();
  let secret = SECRET;
  let next = 0;
  let done = false;
  const sender = async () => {
    while (!done) {
      const body = payment(next++, base);
      const headers = signed(body, undefined, secret);
      const answer = await pool.request({ method: "POST", path: PATH, headers, body });
      await answer.body.dump();
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
    }
  };
  const sentMore = (count: number) => {
    const from = next;
    return eventually(
      async () => next,
      (now) => now >= from + count,
    );
  };
  const senders = Array.from({ length: WIDTH }, sender);
  await sentMore(40);
  // Both are valid before the first sender signs with the new one, and until the last has stopped using the old one.
  writeFileSync(join(root, "faults.env"), `PAY_SECRET=${SECRET}\nPAY_NEXT=${NEXT}\n`);
  writeFileSync(join(root, "config.yaml"), config.replace('["${PAY_SECRET}"]', '["${PAY_SECRET}", "${PAY_NEXT}"]'));
  expect((await reload(engine)).error).toBeNull();
  await sentMore(20);
  secret = NEXT;
  await sentMore(40);
  writeFileSync(join(root, "faults.env"), `PAY_SECRET=${NEXT}\n`);
  writeFileSync(join(root, "config.yaml"), config);
  expect((await reload(engine)).error).toBeNull();
  await sentMore(40);
  done = true;
  await Promise.all(senders);
  await pool.close();
  expect([...statuses.keys()]).toEqual([202]);
  const late = await fetch(engine.hooks + PATH, {
    method: "POST",
    body: payment(next, base),
    headers: signed(payment(next, base)),
  });
  expect(late.status).toBe(401);
  const used = query<{ used: number }>(
    root,
    "hookrail.db",
    "SELECT DISTINCT verification ->> 'secretIndex' AS used FROM events ORDER BY 1",
  );
  expect(used.map((one) => one.used)).toEqual([1, 2]);
  for (const text of [engine.lines.join("\n"), engine.stderr()])
    for (const value of [SECRET, NEXT]) expect(text).not.toContain(value);
  expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
}, 60_000);
