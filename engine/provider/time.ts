/** Times as providers write them, to ms since the epoch and back: strict, so that NaN never becomes a time. */
import type { TimeUnit } from "./compile-events.ts";

/** A time and how fine its clock is, ms. */
export interface ReadTime {
  readonly ms: number;
  readonly resolutionMs: number;
}

/** Years 1970 to 9999: outside it a number is not a time in that unit. */
const MAX_MS = 253_402_300_799_999;
/** RFC 3339 lets a space stand for the T. */
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?$/;
/** IMF-fixdate, RFC 9110 section 5.6.7. */
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Reads a time; undefined when it is not written in this unit. */
export function readTime(text: string, unit: TimeUnit): ReadTime | undefined {
  switch (unit) {
    case "s": {
      if (!/^\d{1,12}(\.\d{1,9})?$/.test(text)) return undefined;
      return within({ ms: Math.round(Number(text) * 1000), resolutionMs: text.includes(".") ? 1 : 1000 });
    }
    case "ms":
      return /^\d{1,15}(\.\d{1,9})?$/.test(text)
        ? within({ ms: Math.floor(Number(text)), resolutionMs: 1 })
        : undefined;
    case "iso8601": {
      const match = ISO.exec(text);
      if (match === null) return undefined;
      // Without a zone it is UTC: never the zone of the machine this runs on.
      const dated = text.replace(" ", "T");
      const zoned = match[3] === undefined ? `${dated}Z` : dated.replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
      return within({ ms: Date.parse(zoned), resolutionMs: match[2] === undefined ? 1000 : 1 });
    }
    case "http_date":
      return HTTP_DATE.test(text) ? within({ ms: Date.parse(text), resolutionMs: 1000 }) : undefined;
  }
}

function within(time: ReadTime): ReadTime | undefined {
  return time.ms >= 0 && time.ms <= MAX_MS ? time : undefined;
}

/** Writes an instant the way a provider does; whole seconds for ISO, as most do. */
export function writeTime(ms: number, unit: TimeUnit): string {
  switch (unit) {
    case "s":
      return String(Math.floor(ms / 1000));
    case "ms":
      return String(ms);
    case "iso8601":
      return new Date(ms).toISOString().replace(/\.000Z$/, "Z");
    case "http_date":
      return new Date(ms).toUTCString();
  }
}
