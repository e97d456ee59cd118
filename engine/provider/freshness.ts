/** The signed timestamp: read strictly, and judged against the clock on both sides. */

import type { Refusal } from "./context.ts";
import { type Env, readText } from "./render.ts";
import type { SchemeModel } from "./scheme.ts";
import { readTime } from "./time.ts";

/** The timestamp as sent and as read; both absent where the scheme has none, or has it in a claim. */
export type Stamp = { readonly ok: true; readonly text?: string; readonly ms?: number } | Refusal;

/** Reads the timestamp before the signature is checked: the message needs its text. */
export function readTimestamp(scheme: SchemeModel, env: Env): Stamp {
  const model = scheme.timestamp;
  if (model === undefined || model.from.kind === "claim") return { ok: true };
  const text = readText(model.from, env);
  if (text === undefined || text === "") {
    return env.reading.bodyFault ? { ok: false, reason: "body_malformed" } : { ok: false, reason: "timestamp_missing" };
  }
  const time = readTime(text, model.unit);
  return time === undefined
    ? { ok: false, reason: "timestamp_malformed", detail: `expected ${model.unit}` }
    : { ok: true, text, ms: time.ms };
}

/** Whether the timestamp lies within the tolerance; a claim counts as one once its token is verified. */
export function checkTimestamp(
  scheme: SchemeModel,
  stamp: Extract<Stamp, { readonly ok: true }>,
  seen: { readonly claims: Readonly<Record<string, unknown>> | undefined; readonly now: number },
): { readonly ok: true; readonly skewMs?: number; readonly toleranceMs?: number } | Refusal {
  const model = scheme.timestamp;
  if (model === undefined) return { ok: true };
  const ms = model.from.kind === "claim" ? claimTime(seen.claims?.[model.from.name]) : stamp.ms;
  if (ms === undefined) return { ok: false, reason: "timestamp_missing" };
  const skewMs = seen.now - ms;
  if (skewMs > model.pastMs)
    return {
      ok: false,
      reason: "timestamp_too_old",
      detail: `${seconds(skewMs)} old, ${seconds(model.pastMs)} allowed`,
    };
  if (-skewMs > model.futureMs)
    return {
      ok: false,
      reason: "timestamp_in_future",
      detail: `${seconds(-skewMs)} ahead, ${seconds(model.futureMs)} allowed`,
    };
  return { ok: true, skewMs, toleranceMs: Math.min(model.pastMs, model.futureMs) };
}

/** NumericDate, RFC 7519 section 2: seconds since the epoch. */
export function claimTime(value: unknown): number | undefined {
  return typeof value === "number" ? readTime(String(value), "s")?.ms : undefined;
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
