/** What waits for a person or for another event: dead letters and held work, counted in slices, between which other work comes. */
import type { AlertFacts } from "./alert-records.ts";
import type { Db } from "./connection.ts";
import type { StoreBacklog } from "./readings.ts";

/** Rows of a slice: a few milliseconds. */
const SLICE = 1_000;

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Rows one slice after the other, each from behind the last row before; what comes and goes meanwhile is seen or not. */
async function eachSlice<R>(read: (last: R | undefined) => readonly R[], take: (row: R) => void): Promise<void> {
  let last: R | undefined;
  for (let rows = read(last); rows.length > 0; rows = read(last)) {
    for (const row of rows) take(row);
    last = rows.at(-1);
    if (rows.length < SLICE) return;
    await breathe();
  }
}

interface Letter {
  readonly id: string;
  readonly createdAt: number;
  readonly pipeline: string;
}

interface PlacedLetter extends Letter {
  readonly source: string;
  readonly connection: string;
  readonly code: string;
}

/** In the order of the index of open ones. */
const OPEN = "x.status = 'open' AND (x.created_at, x.id) > (+?, +?) ORDER BY x.created_at, x.id LIMIT +?";
const after = (last: Letter | undefined): LetterKey => [last?.createdAt ?? -1, last?.id ?? "", SLICE];

type LetterKey = [createdAt: number, id: string, limit: number];

/** Open dead letters by pipeline. */
export function createOpenLetters(db: Db): () => Promise<StoreBacklog["deadLetters"]> {
  const slice = db.prepare<LetterKey, Letter>(
    `SELECT x.id, x.created_at AS createdAt, x.pipeline FROM dead_letters x WHERE ${OPEN}`,
  );
  return async () => {
    const found = new Map<string, { pipeline: string; open: number; oldestAt: number }>();
    await eachSlice<Letter>(
      (last) => slice.all(...after(last)),
      ({ pipeline, createdAt }) => {
        const one = found.get(pipeline);
        if (one === undefined) found.set(pipeline, { pipeline, open: 1, oldestAt: createdAt });
        else one.open++;
      },
    );
    return [...found.values()];
  };
}

/** The same by all that alerts tell them apart by; the source only where no pipeline is known. */
export function createLetterFacts(db: Db): () => Promise<AlertFacts["dead"]> {
  const slice = db.prepare<LetterKey, PlacedLetter>(
    `SELECT x.id, x.created_at AS createdAt, x.pipeline, x.code,
       iif(x.delivery_seq IS NULL, '', coalesce((SELECT connection FROM deliveries WHERE seq = x.delivery_seq), '')) AS connection,
       iif(x.pipeline <> '', '', coalesce((SELECT source FROM events WHERE seq = x.event_seq), '')) AS source
     FROM dead_letters x WHERE ${OPEN}`,
  );
  type Fact = AlertFacts["dead"][number];
  return async () => {
    const found = new Map<string, { -readonly [K in keyof Fact]: Fact[K] }>();
    await eachSlice<PlacedLetter>(
      (last) => slice.all(...after(last)),
      ({ pipeline, source, connection, code, createdAt }) => {
        const key = JSON.stringify([pipeline, source, connection, code]);
        const one = found.get(key);
        if (one === undefined)
          found.set(key, { pipeline, source, connection, code, open: 1, oldestAt: createdAt, newestAt: createdAt });
        else Object.assign(one, { open: one.open + 1, newestAt: createdAt });
      },
    );
    return [...found.values()];
  };
}

interface HeldRow {
  readonly seq: number;
  readonly until: number;
  readonly since: number;
  readonly pipeline: string;
}

/** Held work by pipeline. */
export function createHeldWork(db: Db): () => Promise<AlertFacts["held"]> {
  const slice = db.prepare<[number, number, number], HeldRow>(
    `SELECT seq, held_until AS until, coalesce(held_since, 0) AS since, pipeline FROM work
     WHERE held_until IS NOT NULL AND (held_until, seq) > (+?, +?) ORDER BY held_until, seq LIMIT +?`,
  );
  return async () => {
    const found = new Map<string, { pipeline: string; held: number; oldestAt: number }>();
    await eachSlice<HeldRow>(
      (last) => slice.all(last?.until ?? -1, last?.seq ?? 0, SLICE),
      ({ pipeline, since }) => {
        const { held = 0, oldestAt = since } = found.get(pipeline) ?? {};
        found.set(pipeline, { pipeline, held: held + 1, oldestAt: Math.min(oldestAt, since) });
      },
    );
    return [...found.values()];
  };
}
