/**
 * Does the store slow down as it grows? Accepts events with random ids until it holds a million and prints the rate
 * of each tenth, and the ratios of the last tenth and the last 30 % to the first 30 %, in text and as a last line of
 * JSON. `node bench/store-growth.ts [rows] [per group]`
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../engine/core/clock.ts";
import { randomIds } from "../engine/core/ids.ts";
import { openSqliteStore } from "../engine/store/sqlite.ts";
import type { NewEvent, Store } from "../engine/store/store.ts";

const rows = Number(process.argv[2] ?? 1_000_000);
const perGroup = Number(process.argv[3] ?? 500);
const chunk = rows / 10;
const body = Buffer.from(JSON.stringify({ id: "evt", data: randomBytes(900).toString("hex") }));
const bodyHash = createHash("sha256").update(body).digest("hex");

function event(): NewEvent {
  const providerId = `evt_${randomBytes(12).toString("hex")}`;
  const now = Date.now();
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
    headers: { "content-type": "application/json", "user-agent": "Stripe/1.0" },
    contentType: "application/json",
    body,
    bodyHash,
    itemIndex: 0,
    verification: { scheme: "stripe", secretIndex: 0, signed: "t=1" },
    revision: "0".repeat(64),
  };
}

interface Chunk {
  readonly rate: number;
  readonly cpuUs: number;
  /** Where the system counts them. */
  readonly writtenKb: number | undefined;
}

async function insert(store: Store, count: number): Promise<Chunk> {
  const [start, cpu, written] = [performance.now(), process.cpuUsage(), bytesWritten()];
  for (let done = 0; done < count; done += perGroup) {
    await Promise.all(
      Array.from({ length: perGroup }, () => store.accept({ events: [event()], pipelines: [["paid"]] })),
    );
  }
  const { user, system } = process.cpuUsage(cpu);
  const rate = count / ((performance.now() - start) / 1000);
  const after = bytesWritten();
  const writtenKb = after === undefined || written === undefined ? undefined : (after - written) / count / 1024;
  return { rate, cpuUs: (user + system) / count, writtenKb };
}

/** All writes of this process so far, WAL and checkpoints included (Linux). */
function bytesWritten(): number | undefined {
  try {
    return Number(/wchar: (\d+)/.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

function describeChunk(rows: number, { rate, cpuUs, writtenKb }: Chunk, fileBytes: number): string {
  const written = writtenKb === undefined ? "" : `, ${writtenKb.toFixed(1)} KB written`;
  const size = (fileBytes / rows / 1024).toFixed(2);
  return `${rows.toLocaleString("en")} rows: ${Math.round(rate)}/s, for each ${cpuUs.toFixed(0)} us of CPU${written}, ${size} KB of file`;
}

/** Mean rate of equal counts: harmonic. */
function meanRate(chunks: readonly Chunk[]): number {
  return chunks.length / chunks.reduce((sum, { rate }) => sum + 1 / rate, 0);
}

function meanCpu(chunks: readonly Chunk[]): number {
  return chunks.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / chunks.length;
}

const folder = mkdtempSync(join(tmpdir(), "hookrail-growth-"));
try {
  const path = join(folder, "hookrail.db");
  const store = await openSqliteStore({ path, clock: systemClock });
  const chunks: Chunk[] = [];
  for (let n = 1; n <= 10; n++) {
    const one = await insert(store, chunk);
    chunks.push(one);
    console.log(describeChunk(n * chunk, one, statSync(path).size));
  }
  await store.close();
  const [first, last] = [chunks.slice(0, 3), chunks.slice(-3)];
  const ratio = meanRate(last) / meanRate(first);
  console.log(
    `first 30 %: ${Math.round(meanRate(first))}/s, last 30 %: ${Math.round(meanRate(last))}/s: ratio ${ratio.toFixed(2)} (aim 0.75)`,
  );
  // On a busy machine this one tells more: the work done for each row.
  const cpu = meanCpu(first) / meanCpu(last);
  console.log(`CPU for each row, first over last: ${cpu.toFixed(2)}`);
  console.log(
    JSON.stringify({ lastTenth: (chunks.at(-1)?.rate ?? Number.NaN) / meanRate(first), lastThird: ratio, cpu }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
