/**
 * What each connection last acknowledged for an entity: the ground that the next upsert's difference is taken against.
 *
 * Two places of a connection (core/place.ts) may be two or one there, and nobody here knows which. So a value is kept with
 * the places that it was brought to: another value, wherever, makes what the others were brought no measure.
 * Beside them stands which upsert was last tried there: one that is tried again and finds another there was overtaken.
 */
import { takesIn } from "../core/place.ts";
import type { EntityRef, Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { Db } from "./connection.ts";
import { fromJson } from "./rows.ts";

interface Place {
  readonly connection: string;
  readonly entity: EntityRef;
}

/** `v`: the value; `a`: the places it was brought to, newest last. */
interface Mark {
  readonly v: Json;
  readonly a: readonly string[];
}

/** Places kept for one value: those that are left out get it once again. */
const MAX_PLACES = 32;

/** What was surely brought to this place, or to any of these. */
export function broughtTo(places: string, text: string | undefined): Readonly<Record<string, Json>> {
  const marks = [...readMarks(text)].filter(([, mark]) => mark.a.some((place) => takesIn(places, place)));
  return Object.fromEntries(marks.map(([name, mark]) => [name, mark.v]));
}

/** Values without their places, as earlier versions kept them, say nothing any more: they are sent once again. */
function readMarks(text: string | undefined): Map<string, Mark> {
  const kept = Object.entries(text === undefined ? {} : fromJson<Record<string, Mark | Json>>(text));
  return new Map(kept.flatMap(([name, mark]) => (isMark(mark) ? [[name, mark] as const] : [])));
}

function isMark(mark: Mark | Json): mark is Mark {
  return typeof mark === "object" && mark !== null && "a" in mark && Array.isArray(mark.a) && "v" in mark;
}

/** Changes acknowledged values, inside the caller's transaction. */
export interface AcknowledgedWriter {
  /** `tried`: the upsert that may have come there. */
  forgetAll(at: Place, tried: number): void;
  change(
    at: Place,
    change: {
      readonly place: string;
      readonly learnt: Readonly<Record<string, Json>>;
      readonly forgotten: readonly string[];
      /** Seq of the upsert that was tried; absent: nothing was. */
      readonly tried?: number;
    },
  ): void;
}

export function createAcknowledgedWriter(db: Db): AcknowledgedWriter {
  const find = db
    .prepare<[string, string, string], string>(
      "SELECT attributes FROM acknowledged WHERE connection = ? AND entity_type = ? AND entity_key = ?",
    )
    .pluck();
  const put = db.prepare(
    `INSERT INTO acknowledged (connection, entity_type, entity_key, attributes, tried) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (connection, entity_type, entity_key) DO UPDATE SET attributes = excluded.attributes, tried = coalesce(excluded.tried, tried)`,
  );
  return {
    forgetAll({ connection, entity }, tried) {
      put.run(connection, entity.type, entity.key, "{}", tried);
    },
    change({ connection, entity }, { place, learnt, forgotten, tried }) {
      const before = find.get(connection, entity.type, entity.key);
      const marks = readMarks(before);
      for (const [name, v] of Object.entries(learnt)) {
        const known = marks.get(name);
        const others = known !== undefined && sameJson(known.v, v) ? known.a.filter((one) => one !== place) : [];
        marks.set(name, { v, a: [...others, place].slice(-MAX_PLACES) });
      }
      for (const name of forgotten) marks.delete(name);
      put.run(connection, entity.type, entity.key, JSON.stringify(Object.fromEntries(marks)), tried ?? null);
    },
  };
}
