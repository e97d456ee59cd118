/** Instants in payloads, read as the source's `times:` says. */
import type { Json } from "../core/types.ts";
import { parseIso, type Times } from "../core/values.ts";

/** Milliseconds since the epoch; `undefined` for what is no instant. */
export function readInstant(value: Json | undefined, times: Times): number | undefined {
  if (typeof value === "number" && Number.isFinite(value))
    return times === "seconds" ? value * 1000 : times === "millis" ? value : undefined;
  return typeof value === "string" ? parseIso(value) : undefined;
}
