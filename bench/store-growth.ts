/**
 * Does the store slow down as it grows? Accepts events with random ids until it holds a million and prints the rate
 * of each tenth, and the ratios of the last tenth and the last 30 % to the first 30 %, in text and as a last line of
 * JSON. `node bench/store-growth.ts [rows] [per group]`
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
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

async function insert(store: Store, count: number): Promise<number> {
  const start = performance.now();
  for (let done = 0; done < count; done += perGroup) {
    await Promise.all(
      Array.from({ length: perGroup }, () => store.accept({ events: [event()], pipelines: [["paid"]] })),
    );
  }
  return count / ((performance.now() - start) / 1000);
}

const folder = mkdtempSync(join(tmpdir(), "hookrail-growth-"));
try {
  const path = join(folder, "hookrail.db");
  const store = await openSqliteStore({ path, clock: systemClock });
  const rates: number[] = [];
  for (let n = 1; n <= 10; n++) {
    const rate = await insert(store, chunk);
    rates.push(rate);
    const bytes = statSync(path).size;
    console.log(
      `${(n * chunk).toLocaleString("en")} rows: ${Math.round(rate)}/s, ${(bytes / (n * chunk) / 1024).toFixed(2)} KB/row`,
    );
  }
  await store.close();
  // Rates of equal counts: their mean is harmonic.
  const mean = (part: readonly number[]) => part.length / part.reduce((sum, rate) => sum + 1 / rate, 0);
  const [first, last] = [mean(rates.slice(0, 3)), mean(rates.slice(-3))];
  console.log(
    `first 30 %: ${Math.round(first)}/s, last 30 %: ${Math.round(last)}/s, ratio ${(last / first).toFixed(2)} (aim 0.75)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
