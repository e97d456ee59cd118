/** Reads the stored detail of an apply step (written by flow/detail.ts) back into typed rows; older or odd shapes give less, never a failure. */
import type { Json, JsonObject } from "../core/types.ts";

export interface DetailRow {
  readonly entity: string;
  readonly attribute: string;
  readonly from: string;
  /** Fragments of `config.yaml` whose names it reads. */
  readonly fragments: readonly string[];
  readonly raw: readonly Json[];
  readonly missing: readonly Json[];
  readonly policy: string;
  readonly result: string;
  readonly why: string;
  readonly value: Json;
  readonly owner: string;
  readonly at: string;
}

/** An entity an event writes to, and what stood there before. `time`: by the clock of the event that had written it. */
export interface DetailEntity {
  readonly type: string;
  readonly before?: { readonly state: string; readonly time?: number };
}

export interface Detail {
  /** The event's place in the order it was judged by. */
  readonly order?: { readonly time: number; readonly rank: number; readonly clock?: string };
  readonly entities: readonly DetailEntity[];
  /** Version of the contract. */
  readonly contract?: string;
  readonly held?: { readonly since: number; readonly reason: string };
  readonly rows: readonly DetailRow[];
  readonly states: readonly { readonly entity: string; readonly state: string }[];
  readonly notes: readonly string[];
  readonly notSent: readonly { readonly deliver: string; readonly why: string }[];
  readonly drift: readonly string[];
}

/** Reads what is there. */
export function readDetail(detail: JsonObject | undefined): Detail {
  return {
    rows: objects(detail?.["rows"]).map(readRow),
    states: objects(detail?.["states"]).map((one) => ({ entity: text(one["entity"]), state: text(one["state"]) })),
    notes: objects(detail?.["notes"]).map((one) => text(one["message"])),
    notSent: objects(detail?.["not_sent"]).map((one) => ({ deliver: text(one["deliver"]), why: text(one["why"]) })),
    drift: list(detail?.["drift"]).map(text),
    entities: objects(detail?.["entities"]).map(readEntity),
    ...readDecision(detail),
  };
}

function readDecision(detail: JsonObject | undefined): Pick<Detail, "order" | "contract" | "held"> {
  const [order] = objects([detail?.["order"] ?? null]);
  const [held] = objects([detail?.["held"] ?? null]);
  const contract = detail?.["contract"];
  const clock = order?.["clock"];
  return {
    ...(order === undefined
      ? {}
      : {
          order: {
            time: Number(order["time"]),
            rank: Number(order["rank"] ?? 0),
            ...(typeof clock === "string" ? { clock } : {}),
          },
        }),
    ...(typeof contract === "string" ? { contract } : {}),
    ...(held === undefined ? {} : { held: { since: Number(held["since"]), reason: text(held["reason"]) } }),
  };
}

function readEntity(ref: JsonObject): DetailEntity {
  const [before] = objects([ref["before"] ?? null]);
  const time = before?.["time"];
  return {
    type: text(ref["type"]),
    ...(before === undefined
      ? {}
      : { before: { state: text(before["state"]), ...(typeof time === "number" ? { time } : {}) } }),
  };
}

function readRow(row: JsonObject): DetailRow {
  return {
    entity: text(row["entity"]),
    attribute: text(row["attribute"]),
    from: text(row["from"]),
    fragments: list(row["fragments"]).map(text),
    raw: list(row["raw"]),
    missing: list(row["missing"]),
    policy: text(row["policy"]),
    result: text(row["result"]),
    why: text(row["why"]),
    value: row["value"] ?? null,
    owner: text(row["owner"]),
    at: text(row["at"]),
  };
}

const text = (value: Json | undefined) =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

function objects(value: Json | undefined): readonly JsonObject[] {
  return list(value).flatMap((one) =>
    typeof one === "object" && one !== null && !Array.isArray(one) ? [one as JsonObject] : [],
  );
}
