/** How long an answer asks us to wait, in the forms that sinks use. */
import { MAX_RETRY_AFTER_MS } from "../core/backoff.ts";
import type { Json } from "../core/types.ts";
import type { RetryAfterSpec } from "../plugin/answers.schema.ts";
import { valuesAt } from "./positions.ts";

/** RFC 9110, section 10.2.3; looked for in every answer. */
const STANDARD: RetryAfterSpec = { header: "retry-after", form: "http" };

/** Seconds since 1970 that lie in 2001: no sink asks for 31 years of rest. */
const FIRST_EPOCH = 1_000_000_000;
const NUMBER = /^\d{1,15}(\.\d{1,9})?$/;
// IMF-fixdate, RFC 850 and asctime (RFC 9110, section 5.6.7).
const HTTP_DATE =
  /^(?:[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/;

/**
 * The wait in ms, at most an hour; undefined when none is named or what is named makes no sense. The first of the
 * preset's headers that is there counts, then the standard one.
 */
export function retryAfterMs(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body?: Json | undefined },
  specs: readonly RetryAfterSpec[],
  now: number,
): number | undefined {
  for (const spec of [...specs, STANDARD]) {
    const text = hintOf(spec, headers, body);
    const wait = text === undefined ? undefined : waitOf(text, spec.form, now);
    if (wait !== undefined) return Math.min(MAX_RETRY_AFTER_MS, Math.max(0, Math.ceil(wait)));
  }
  return undefined;
}

function hintOf(
  { header, body: path }: RetryAfterSpec,
  headers: Readonly<Record<string, string>>,
  body: Json | undefined,
): string | undefined {
  if (header !== undefined) return headers[header.toLowerCase()]?.trim();
  const value = path === undefined ? undefined : valuesAt(body, path)[0];
  return typeof value === "string" || typeof value === "number" ? String(value).trim() : undefined;
}

function waitOf(text: string, form: RetryAfterSpec["form"], now: number): number | undefined {
  const number = NUMBER.test(text) ? Number(text) : undefined;
  switch (form) {
    case "seconds":
      return number === undefined ? undefined : number * 1000;
    case "millis":
      return number;
    case "epoch_seconds":
      return number === undefined ? undefined : number * 1000 - now;
    case "epoch_millis":
      return number === undefined ? undefined : number - now;
    case "seconds_or_epoch":
      if (number === undefined) return undefined;
      return number >= FIRST_EPOCH ? number * 1000 - now : number * 1000;
    case "date":
      return dateWait(text, now);
    case "http":
      return number === undefined ? dateWait(text, now) : number * 1000;
  }
}

function dateWait(text: string, now: number): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  const at = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(at) ? undefined : at - now;
}
