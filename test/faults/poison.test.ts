/** Mappings that do not end: the event becomes a dead letter, what comes in beside it is taken, and the mapping goes on. */
import { expect, test } from "vitest";
import { eventually, type RunningEngine } from "../support/engine-process.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { signed, yesterday } from "../support/payments.ts";
import { expectSql, settled } from "../support/verdict.ts";

/** By event type: what the interpreter's own limits do not stop in time (regular expressions, text builders, recursion). */
const POISON: Readonly<Record<string, string>> = {
  "poison.regex": "$string($match(text, /^(a+)+$/))",
  "poison.pad": "$pad('x', size)",
  "poison.endless": "($f := function($n) { $f($n + 1) }; $string($f(size)))",
  "poison.deep": "($f := function($n) { $n <= 0 ? 0 : 1 + $f($n - 1) }; $string($f(size)))",
  "poison.double": "$reduce([1..30], function($s, $i) { $s & $s }, text)",
  "poison.range": "$string([1..size])",
};

/** Failed, stopped, thread ended, result too large, stopped by the interpreter: which comes first depends on the machine. */
const CODES = ["HK2010", "HK2011", "HK2012", "HK2014", "HK2015"];

const pipeline = `
pipeline: poison
owner: ops
source: pay
rules:
${Object.entries(POISON)
  .map(
    ([type, expression]) =>
      `  - on: ${type}\n    write:\n      victim:\n        key: key\n        fields:\n          note: { from: "${expression}", invalid: reject }`,
  )
  .join("\n")}
  - on: poison.none
    write:
      victim: { key: key, fields: { note: "$join([text, $string($power(size, 2))])" } }
deliver:
  - { to: local, entity: victim }
`;

function installationWith(mappingTimeout: string) {
  return createFaultInstallation({
    entities: "  victim: { attributes: { note: { type: string, owner: ops, protected: true } } }",
    extra: `limits: { disk_reserve: 0B, mapping_timeout: ${mappingTimeout} }`,
    files: { "pipelines/poison.yaml": pipeline },
  });
}

let count = 0;
async function post(engine: RunningEngine, type: string): Promise<string> {
  const object = { key: `v${++count}`, text: `${"a".repeat(40)}!`, size: 100_000_000 };
  const body = JSON.stringify({ id: `evt_p${count}`, type, created: yesterday(), data: { object } });
  const answer = await fetch(`${engine.hooks}/hooks/pay`, { method: "POST", body, headers: signed(body) });
  expect(answer.status).toBe(202);
  return answer.headers.get("x-hookrail-event") ?? "";
}

interface Fate {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
}

const fates = (root: string) =>
  new Map(
    query<Fate>(
      root,
      "hookrail.db",
      "SELECT e.id, o.status, o.reason FROM outcomes o JOIN events e ON e.seq = o.event_seq WHERE o.pipeline = 'poison'",
    ).map((fate) => [fate.id, fate]),
  );

test("each kind of poison is a dead letter with a code that says why, twice over, and honest events beside it are applied", async () => {
  const installation = installationWith("250ms");
  try {
    const engine = await installation.start();
    const ledger = createLedger(yesterday());
    const poisoned: [string, string][] = [];
    for (let round = 0; round < 2; round++)
      for (const type of Object.keys(POISON)) {
        poisoned.push([type, await post(engine, type)]);
        await ledger.send(engine.hooks, { fresh: 4, width: 2 });
      }
    const honest = await post(engine, "poison.none");
    await settled(engine);
    const found = fates(installation.root);
    for (const [type, id] of poisoned) {
      expect([type, found.get(id)?.status]).toEqual([type, "dead"]);
      expect(CODES).toContain(found.get(id)?.reason);
    }
    expect(found.get(honest)?.status).toBe("applied");
    expectSql(installation.root, ledger);
    expect(query(installation.root, "crm.db", "SELECT * FROM victim").length).toBe(1);
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  } finally {
    installation.remove();
  }
}, 120_000);

test("what comes in while a mapping does not end is answered before that mapping is stopped", async () => {
  const installation = installationWith("3s");
  try {
    const engine = await installation.start();
    const endless = await post(engine, "poison.regex");
    const ledger = createLedger(yesterday());
    await ledger.send(engine.hooks, { fresh: 30, width: 6 });
    expect(ledger.acknowledged().length).toBe(30);
    expect(fates(installation.root).get(endless)).toBeUndefined();
    await eventually(
      async () => fates(installation.root).get(endless)?.reason,
      (reason) => reason === "HK2011",
      60_000,
    );
    await settled(engine);
    expectSql(installation.root, ledger);
    expect(await engine.end("SIGTERM")).toEqual({ code: 0, signal: null });
  } finally {
    installation.remove();
  }
}, 120_000);
