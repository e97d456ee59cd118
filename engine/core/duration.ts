/**
 * Durations, sizes, rates and percentages as they are written in YAML. Strict: a unit is always spelled out, so
 * that `60` or `10 minutes` is an error that says what was expected and never a guess.
 */

/** A parsed quantity, or what was expected instead. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

/** At most `count` in each stretch of `perMs`. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

const DURATION_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_BYTES = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const;

const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/;
const SIZE = /^(\d{1,12}(?:\.\d{1,6})?)(B|kB|KB|MB|GB|KiB|MiB|GiB)$/;
const RATE = /^(\d{1,9})\/(?:(\d{1,9}))?(ms|s|m|h|d)$/;
const PERCENT = /^(\d{1,3}(?:\.\d{1,6})?)%$/;

/** What a duration looks like, for messages and the reference. */
export const DURATION_EXPECTED = "a duration such as 500ms, 60s, 15m, 24h or 30d";
/** What a size looks like. */
export const SIZE_EXPECTED = "a size such as 64KiB, 1MiB or 2MB";
/** What a rate looks like. */
export const RATE_EXPECTED = "a rate such as 100/s, 10/10s or 600/m";
/** What a percentage looks like. */
export const PERCENT_EXPECTED = "a percentage such as 99.9%";

/** Floating point is rounded off before it is asked whether the result is whole: 1.1s is 1100 ms. */
function whole(value: number): number | undefined {
  const rounded = Math.round(value);
  return Math.abs(rounded - value) < 1e-6 && Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** Milliseconds of `60s`. A bare number is refused: seconds and milliseconds are too easily mixed up. */
export function parseDuration(text: unknown): Parsed<number> {
  const match = typeof text === "string" ? DURATION.exec(text) : null;
  if (match === null) return { ok: false, expected: DURATION_EXPECTED };
  const ms = whole(Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS]);
  return ms === undefined ? { ok: false, expected: DURATION_EXPECTED } : { ok: true, value: ms };
}

/** Bytes of `64KiB` (powers of 1024) or `2MB` (powers of 1000). */
export function parseSize(text: unknown): Parsed<number> {
  const match = typeof text === "string" ? SIZE.exec(text) : null;
  if (match === null) return { ok: false, expected: SIZE_EXPECTED };
  const bytes = whole(Number(match[1]) * SIZE_BYTES[match[2] as keyof typeof SIZE_BYTES]);
  return bytes === undefined ? { ok: false, expected: SIZE_EXPECTED } : { ok: true, value: bytes };
}

/** `100/s` is 100 in each second, `10/10s` 10 in each ten seconds. Zero of either is refused. */
export function parseRate(text: unknown): Parsed<Rate> {
  const match = typeof text === "string" ? RATE.exec(text) : null;
  if (match === null) return { ok: false, expected: RATE_EXPECTED };
  const count = Number(match[1]);
  const perMs = Number(match[2] ?? "1") * DURATION_MS[match[3] as keyof typeof DURATION_MS];
  if (count === 0 || perMs === 0 || !Number.isSafeInteger(perMs)) return { ok: false, expected: RATE_EXPECTED };
  return { ok: true, value: { count, perMs } };
}

/** The share between 0 and 1 of `99.9%`. */
export function parsePercent(text: unknown): Parsed<number> {
  const match = typeof text === "string" ? PERCENT.exec(text) : null;
  const percent = match === null ? Number.NaN : Number(match[1]);
  return percent <= 100 ? { ok: true, value: percent / 100 } : { ok: false, expected: PERCENT_EXPECTED };
}

/** The shortest exact spelling: 90000 is `90s`, 3600000 is `1h`, 1500 is `1500ms`. Whole milliseconds only. */
export function formatDuration(ms: number): string {
  const rounded = Math.max(0, Math.round(ms));
  if (rounded === 0) return "0s";
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (rounded % DURATION_MS[unit] === 0) return `${rounded / DURATION_MS[unit]}${unit}`;
  }
  return `${rounded}ms`;
}
