/** How many deliveries wait, by connection. With hundreds of thousands the count takes long, so other work comes between its slices. */
import type { Db } from "./connection.ts";
import type { StoreBacklog } from "./readings.ts";

type Open = StoreBacklog["deliveries"][number];

/** Rows of a slice: some milliseconds. */
const SLICE = 5_000;

/** Slices are read one after the other while work goes on: the sum is of a moment that lasted as long as it took. */
export function createOpenDeliveries(db: Db): () => Promise<readonly Open[]> {
  const last = db
    .prepare<[number, number], number | null>(
      "SELECT max(delivery_seq) FROM (SELECT delivery_seq FROM outbox WHERE delivery_seq > +? ORDER BY delivery_seq LIMIT +?)",
    )
    .pluck();
  const slice = db.prepare<[number, number], Open>(
    `SELECT connection, count(*) AS open, sum(head) AS keys, sum(head = 1 AND status IN ('retrying', 'unknown')) AS blocked
     FROM outbox WHERE delivery_seq > +? AND delivery_seq <= +? GROUP BY connection`,
  );
  return async () => {
    const sums = new Map<string, Open>();
    let after = 0;
    for (let upTo = last.get(after, SLICE); upTo !== null && upTo !== undefined; upTo = last.get(after, SLICE)) {
      for (const row of slice.all(after, upTo)) {
        const { open = 0, keys = 0, blocked = 0 } = sums.get(row.connection) ?? {};
        sums.set(row.connection, {
          connection: row.connection,
          open: open + row.open,
          keys: keys + row.keys,
          blocked: blocked + row.blocked,
        });
      }
      after = upTo;
      if (sums.size > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return [...sums.values()];
  };
}
