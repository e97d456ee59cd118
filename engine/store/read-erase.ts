/** Finds all that the store holds of an entity: its family, its deliveries, and every event that carries one of its ids. */
import type { EntityRef } from "../core/types.ts";
import type { Db } from "./connection.ts";
import type { ErasePlan } from "./readings.ts";
import { fromJson } from "./rows.ts";
import type { StoreReader } from "./store.ts";

/** Rows looked at in one go; between two goes others get their turn. */
const PAGE = 500;
/** An id shorter than this stands in bodies by chance: only what history and deliveries know counts then. */
const SHORTEST_SOUGHT = 5;
/** What an id may not be part of: `cus_1` is not in `cus_12`. */
const WORD = /[\p{L}\p{N}_-]/u;

type Entity = ErasePlan["entities"][number];

/** Makes `erasePlan`. */
export function createErasePlan(db: Db): StoreReader["erasePlan"] {
  const family = createFamily(db);
  const ofHistory = db
    .prepare<[string, string], number>(
      "SELECT DISTINCT event_seq FROM history WHERE entity_type = +? AND entity_key = +?",
    )
    .pluck();
  const waiting = db
    .prepare<[string, string], number>(
      "SELECT DISTINCT w.event_seq FROM waits x JOIN work w ON w.seq = x.work_seq WHERE x.entity_type = +? AND x.entity_key = +?",
    )
    .pluck();
  const deliveries = db.prepare<
    [number, number],
    { seq: number; event_seq: number; entity_type: string; entity_key: string }
  >("SELECT seq, event_seq, entity_type, entity_key FROM deliveries WHERE seq > +? ORDER BY seq LIMIT +?");
  const bodies = db.prepare<[number, number], { seq: number; body: Buffer }>(
    "SELECT seq, body FROM bodies WHERE seq > +? ORDER BY seq LIMIT +?",
  );
  const sharing = db.prepare<[number, number], { seq: number; text: string }>(
    "SELECT seq, provider_id || ' ' || dedupe_key AS text FROM events WHERE seq = +? OR (body_seq = +? AND body_seq <> seq)",
  );
  const solitary = db
    .prepare<[number], number>("SELECT count(*) FROM events WHERE body_seq = +? AND body_seq <> seq")
    .pluck();
  const answers = db.prepare<[number, number], { seq: number; body: string }>(
    "SELECT seq, body FROM answers WHERE seq > +? ORDER BY seq LIMIT +?",
  );
  const edits = db.prepare<[number, number], { seq: number; event_seq: number; body: Buffer }>(
    "SELECT seq, event_seq, body FROM edits WHERE seq > +? AND body IS NOT NULL ORDER BY seq LIMIT +?",
  );
  const fetchedBy = db.prepare<[number], number>("SELECT event_seq FROM fetches WHERE answer_seq = +?").pluck();
  return async (type, key) => {
    const entities = family(type, key);
    const events = new Set<number>();
    const names = new Set(entities.map((one) => `${one.type}/${one.key}`));
    for (const one of entities) {
      for (const seq of ofHistory.all(one.type, one.key)) events.add(seq);
      for (const seq of waiting.all(one.type, one.key)) events.add(seq);
    }
    const found: ErasePlan["deliveries"][number][] = [];
    for await (const row of paged((after) => deliveries.all(after, PAGE))) {
      if (!names.has(`${row.entity_type}/${row.entity_key}`)) continue;
      found.push({ seq: row.seq, event: row.event_seq, entity: { type: row.entity_type, key: row.entity_key } });
      events.add(row.event_seq);
    }
    const sought = new Set(
      entities.flatMap((one) => [one.key, ...Object.values(one.ids)]).filter((id) => id.length >= SHORTEST_SOUGHT),
    );
    const needles = [...sought].flatMap((id) => spellings(id)).map((text) => Buffer.from(text));
    for await (const row of paged((after) => bodies.all(after, PAGE))) {
      if (!needles.some((needle) => holds(row.body, needle))) continue;
      // Of a batch only the items known to be about it: the others are somebody else's.
      if (solitary.get(row.seq) === 0) for (const event of sharing.all(row.seq, row.seq)) events.add(event.seq);
    }
    for await (const row of paged((after) => edits.all(after, PAGE))) {
      if (needles.some((needle) => holds(row.body, needle))) events.add(row.event_seq);
    }
    for await (const row of paged((after) => answers.all(after, PAGE))) {
      const body = Buffer.from(row.body);
      if (!needles.some((needle) => holds(body, needle))) continue;
      for (const event of fetchedBy.all(row.seq)) events.add(event);
    }
    return { entities, events: [...events].sort((a, b) => a - b), deliveries: found };
  };
}

/** The entity, all below it, and itself alone where there is no row of it: events may still name it. */
function createFamily(db: Db): (type: string, key: string) => readonly Entity[] {
  const row = db.prepare<[string, string], { ids: string }>("SELECT ids FROM entities WHERE type = +? AND key = +?");
  const children = db.prepare<[string, string], EntityRef>(
    "SELECT type, key FROM entities WHERE parent_type = +? AND parent_key = +?",
  );
  return (type, key) => {
    const found = new Map<string, Entity>();
    const open: EntityRef[] = [{ type, key }];
    for (let ref = open.shift(); ref !== undefined; ref = open.shift()) {
      const name = `${ref.type}/${ref.key}`;
      if (found.has(name)) continue;
      const stored = row.get(ref.type, ref.key);
      found.set(name, {
        type: ref.type,
        key: ref.key,
        ids: stored === undefined ? {} : fromJson(stored.ids),
        there: stored !== undefined,
      });
      open.push(...children.all(ref.type, ref.key));
    }
    return [...found.values()];
  };
}

async function* paged<T extends { readonly seq: number }>(page: (after: number) => readonly T[]): AsyncGenerator<T> {
  for (let after = 0; ; ) {
    const rows = page(after);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.seq;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** As JSON and as a form may write it. */
function spellings(id: string): readonly string[] {
  const escaped = JSON.stringify(id).slice(1, -1);
  return [...new Set([id, escaped, escaped.replaceAll("/", "\\/"), encodeURIComponent(id)])];
}

function holds(body: Buffer, needle: Buffer): boolean {
  for (let at = body.indexOf(needle); at >= 0; at = body.indexOf(needle, at + 1)) {
    const before = body.subarray(Math.max(0, at - 1), at).toString("latin1");
    const after = body.subarray(at + needle.length, at + needle.length + 1).toString("latin1");
    if (!WORD.test(before) && !WORD.test(after)) return true;
  }
  return false;
}
