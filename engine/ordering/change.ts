/** One change of one step, for the history: what was set, refused, or came too late. */
import type { EntityRef, Json } from "../core/types.ts";

export interface Change {
  readonly entity: EntityRef;
  readonly attribute: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
  readonly result: "set" | "cleared" | "refused" | "stale" | "computed";
  readonly mapping?: string;
  readonly note?: string;
  readonly supersededBy?: number;
}
