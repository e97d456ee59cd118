/** A crash between what a sink did and what we know of it: the kill falls into the syscall that wrote the request to its socket. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { startCrm } from "../support/crm.ts";
import { createFaultInstallation, query } from "../support/fault-installation.ts";
import { createLedger } from "../support/ledger.ts";
import { yesterday } from "../support/payments.ts";
import { faultFactor } from "../support/seeded.ts";
import { holdRequests, straceHere } from "../support/strace.ts";
import { expectApplied, expectSql, expectStored, settled, status } from "../support/verdict.ts";

interface Attempt {
  readonly place: string;
  readonly action: string;
  readonly status: string;
  readonly note: string | null;
  readonly outcomes: string;
}

const attempts = (root: string) =>
  query<Attempt>(
    root,
    "hookrail.db",
    `SELECT d.connection AS place, d.action, coalesce(d.status, o.status) AS status, d.note,
       (SELECT group_concat(coalesce(a.outcome, 'no answer')) FROM attempts a WHERE a.delivery_seq = d.seq) AS outcomes
     FROM deliveries d LEFT JOIN outbox o ON o.delivery_seq = d.seq WHERE d.connection <> 'local' ORDER BY d.seq`,
  );

/** The calls of the thread that sent the requests, from its last request to this port on. */
function fromLastRequest(trace: string, port: string): readonly string[] {
  const lines = trace.split("\n").filter((line) => line !== "");
  const last = lines.findLastIndex((line) => line.includes(`->127.0.0.1:${port}]`) && line.includes("POST /"));
  const thread = lines[last]?.split(" ")[0] ?? "";
  return lines.slice(last).filter((line) => line.startsWith(`${thread} `) && !line.includes("+++ killed"));
}

const places = faultFactor() === 1 ? (["plain"] as const) : (["plain", "keyed"] as const);

describe.skipIf(!straceHere())("the engine, killed in the syscall that sent a request to a sink (needs strace)", () => {
  test.each(Array.from({ length: faultFactor() }, (_, round) => places.map((place) => [place, round] as const)).flat())(
    "knows at the next start that the outcome is unknown, and repeats it with its key (%s, round %i)",
    async (place) => {
      const crm = await startCrm();
      const installation = createFaultInstallation({ crm: crm.url });
      const ledger = createLedger(yesterday());
      try {
        const file = join(installation.root, "trace");
        const engine = await installation.start(holdRequests(file, 250));
        const { pid } = await status(engine);
        const exited = new Promise<void>((resolve) => engine.child.once("exit", () => resolve()));
        let killed = false;
        crm.onRequest((request) => {
          if (killed || request.place !== place || request.action !== "track") return !killed;
          killed = true;
          process.kill(pid, "SIGKILL");
          return false;
        });
        await ledger.send(engine.hooks, { fresh: 1, width: 1 });
        await exited;
        expect(killed).toBe(true);
        // The bytes were on the wire, and the thread that sent them did nothing any more: it was still held there.
        const calls = fromLastRequest(readFileSync(file, "latin1"), new URL(crm.url).port);
        expect(calls).toEqual([expect.stringMatching(/POST \/\w+\/track .* = (\d+ \(DELAYED\)|\?)$/)]);
        const before = attempts(installation.root).find((one) => one.place === place && one.action === "track");
        expect(before).toMatchObject({ status: "sending", outcomes: "no answer" });
        expectStored(installation.root, ledger);

        crm.onRequest(() => true);
        const next = await installation.start();
        await ledger.send(next.hooks, { fresh: 5, width: 2 });
        await settled(next);
        const after = attempts(installation.root).find((one) => one.place === place && one.action === "track");
        expect(after).toMatchObject({ status: "delivered", outcomes: "unknown,delivered" });
        expect(after?.note).toMatch(/^possibly a duplicate/);
        const repeated = crm.requests.filter((one) => one.place === place && one.action === "track").slice(0, 1);
        const both = crm.requests.filter(({ key }) => key === repeated[0]?.key);
        expect(both.length).toBe(2);
        expect(both[1]?.body).toBe(both[0]?.body);
        expect(both.map(({ effect }) => effect)).toEqual(place === "keyed" ? [true, false] : [true, true]);
        // The SQL sink is not touched by any of it.
        expectApplied(installation.root, ledger);
        expectSql(installation.root, ledger);
        expect(await next.end("SIGTERM")).toEqual({ code: 0, signal: null });
      } finally {
        installation.remove();
        await crm.close();
      }
    },
    120_000,
  );
});
