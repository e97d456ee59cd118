/**
 * What does a scrape cost while much waits? Fills a store on disk with open deliveries, held and ready work and dead letters,
 * then accepts events at a steady pace, without scrapes and with one every five seconds, and tells how long a scrape takes,
 * how long it holds up the event loop at most, and the p99 of accepts. The last line is JSON.
 * `node bench/backlog.ts [deliveries] [work] [seconds]`
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { systemClock } from "../engine/core/clock.ts";
import { randomIds } from "../engine/core/ids.ts";
import { openSqliteStore } from "../engine/store/sqlite.ts";
import type { NewEvent, Store } from "../engine/store/store.ts";

const deliveries = Number(process.argv[2] ?? 200_000);
const works = Number(process.argv[3] ?? 50_000);
const windowMs = Number(process.argv[4] ?? 20) * 1_000;
/** Accepts at a time, and how often. */
const [GROUP, EVERY_MS] = [2, 20];
const SCRAPE_EVERY_MS = 5_000;
const body = Buffer.from(JSON.stringify({ id: "evt", data: randomBytes(300).toString("hex") }));
const bodyHash = createHash("sha256").update(body).digest("hex");

function event(): NewEvent {
  const now = Date.now();
  const providerId = `evt_${randomBytes(12).toString("hex")}`;
  return {
    id: randomIds.event(),
    source: "stripe",
    provider: "stripe",
    dedupeKey: `p:${providerId}`,
    dedupeUntil: now + 7 * 86_400_000,
    providerId,
    type: "invoice.paid",
    occurredAt: now,
    clockResolutionMs: 1000,
    rank: 0,
    receivedAt: now,
    headers: { "content-type": "application/json" },
    contentType: "application/json",
    body,
    bodyHash,
    itemIndex: 0,
    verification: { scheme: "stripe", secretIndex: 0, signed: "t=1" },
    revision: "0".repeat(64),
  };
}

/** Work by the store itself; what waits for sinks is written below it, as it would stand there. */
async function fill(path: string): Promise<void> {
  const store = await openSqliteStore({ path, clock: systemClock });
  const pipelines = ["paid", "free", "trial", "churn", "refund"];
  for (let done = 0; done < works; done += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        store.accept({ events: [event()], pipelines: [[pipelines[n % pipelines.length] ?? "paid"]] }),
      ),
    );
  await store.close();
  const db = new Database(path);
  db.exec(`
    UPDATE work SET held_since = 1, held_until = 9e15, hold_reason = 'x' WHERE seq % 2 = 0;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${deliveries})
    INSERT INTO outbox SELECT i, 1 + i % ${works}, CASE i % 3 WHEN 0 THEN 'crm' WHEN 1 THEN 'mail' ELSE 'warehouse' END,
      'customer', 'cus_' || (i * 7919 % ${deliveries}), 'upsert', CASE i % 5 WHEN 0 THEN 'retrying' ELSE 'pending' END,
      0, 9000000000000, NULL, i % 2 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${Math.ceil(deliveries / 10)})
    INSERT INTO dead_letters (id, kind, event_seq, pipeline, code, message, created_at, status)
      SELECT 'dead_' || i, 'event', 1 + i % ${works}, 'paid', 'HK2001', 'no such price', i, 'open' FROM n;`);
  db.close();
}

/** Accepts at a steady pace; how long each took, in order of length. */
async function accepts(store: Store): Promise<readonly number[]> {
  const took: number[] = [];
  const under: Promise<unknown>[] = [];
  const end = performance.now() + windowMs;
  for (let at = performance.now(); at < end; at += EVERY_MS) {
    await sleep(Math.max(0, at - performance.now()));
    for (let n = 0; n < GROUP; n++) {
      // From when it was to begin: a loop that is held up counts too.
      const begun = at;
      under.push(store.accept({ events: [event()], pipelines: [[]] }).then(() => took.push(performance.now() - begun)));
    }
  }
  await Promise.all(under);
  return took.sort((a, b) => a - b);
}

type Read = "backlog" | "counts" | "alertFacts";

/** CPU time of this thread in ms: what others do on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** One read by itself: how long it takes, and the longest it holds the loop, in CPU time. */
async function alone(store: Store, read: Read): Promise<{ readonly tookMs: number; readonly blockMs: number }> {
  let [last, blockMs, open] = [cpuMs(), 0, true];
  const tick = (): void => {
    const now = cpuMs();
    blockMs = Math.max(blockMs, now - last);
    last = now;
    if (open) setImmediate(tick);
  };
  setImmediate(tick);
  const begun = cpuMs();
  await store[read]();
  const tookMs = cpuMs() - begun;
  await new Promise((resolve) => setImmediate(resolve));
  open = false;
  return { tookMs, blockMs };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
const folder = mkdtempSync(join(tmpdir(), "hookrail-backlog-"));
try {
  const path = join(folder, "hookrail.db");
  await fill(path);
  const store = await openSqliteStore({ path, clock: systemClock });
  const result: Record<string, unknown> = { deliveries, works };
  for (const read of ["backlog", "counts", "alertFacts"] as const) {
    await alone(store, read);
    const rounds = [await alone(store, read), await alone(store, read), await alone(store, read)];
    const [tookMs, blockMs] = (["tookMs", "blockMs"] as const).map((what) =>
      rounded(rounds.map((one) => one[what]).sort((a, b) => a - b)[1] ?? Number.NaN),
    );
    console.log(`${read}: ${tookMs} ms of CPU, the loop held for ${blockMs} ms at most (median of 3)`);
    result[read] = { tookMs, blockMs };
  }
  const rounds: Record<"quiet" | "scraped", { readonly p99: number }[]> = { quiet: [], scraped: [] };
  for (const scraped of [false, true, false, true, false, true]) {
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    let timer: NodeJS.Timeout | undefined;
    let scraping: Promise<unknown> = Promise.resolve();
    if (scraped) {
      const scrape = (): void => {
        scraping = Promise.all([store.backlog(), store.counts(), store.alertFacts()]);
      };
      scrape();
      timer = setInterval(scrape, SCRAPE_EVERY_MS);
    }
    const took = await accepts(store);
    clearInterval(timer);
    await scraping;
    histogram.disable();
    const at = (share: number) => rounded(took[Math.floor(took.length * share)] ?? Number.NaN);
    const line = {
      accepts: took.length,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
      loopMaxMs: rounded(histogram.max / 1e6),
    };
    console.log(`accepts ${scraped ? "with" : "without"} scrapes: ${JSON.stringify(line)}`);
    (scraped ? rounds.scraped : rounds.quiet).push(line);
  }
  await store.close();
  // The least of the rounds: what others did on the machine is in none of it, or in less.
  const least = (list: readonly { readonly p99: number }[]) => Math.min(...list.map(({ p99 }) => p99));
  const ratio = rounded(least(rounds.scraped) / least(rounds.quiet));
  console.log(`p99 with scrapes over p99 without, best rounds: ${ratio}`);
  console.log(JSON.stringify({ ...result, ...rounds, ratio }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
