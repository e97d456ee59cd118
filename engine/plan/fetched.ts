/** What rules fetch in a plan: nobody is asked, so it is what was fetched for the event before, or what a test declares. */
import type { Prepared } from "../flow/prepare.ts";
import { readRequest } from "../mapping/fetch.ts";
import type { StoredAnswer } from "../store/store.ts";
import { answerFor } from "../testing/fetched.ts";
import type { Names } from "./names.ts";

/** The answer to one GET. Connection and pipeline by the older side's names. */
export interface KnownAnswer {
  readonly connection: string;
  /** With its query. */
  readonly path: string;
  /** Absent: whatever they were. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which asked for it; absent: any may have. */
  readonly pipeline?: string;
  /** When the GET began, ms since the epoch. */
  readonly at: number;
  /** JSON; null: there is no such object. */
  readonly body: string | null;
}

type Wanted = Extract<Prepared, { kind: "fetch" }>;

/** What the rule gets, or how its turn ends without; undefined: nobody has fetched that. */
export function findAnswer(
  wanted: Wanted,
  known: readonly KnownAnswer[],
  { names, pipeline }: { readonly names: Names; readonly pipeline: string },
): StoredAnswer | Extract<Prepared, { kind: "dead" | "skipped" }> | undefined {
  const { connection, path, headers } = readRequest(wanted.request);
  const fits = known.filter(
    (one) =>
      names.connection(one.connection) === connection &&
      one.path === path &&
      (one.headers === undefined || sameHeaders(one.headers, headers)),
  );
  const own = fits.find((one) => one.pipeline !== undefined && names.pipeline(one.pipeline) === pipeline);
  // One GET is one GET, whoever asked: a pipeline that is new fetches for an old event what another has.
  const found = own ?? fits[0];
  if (found === undefined) return undefined;
  const { at, body } = found;
  return body === null
    ? answerFor(wanted, { [connection]: { [path]: null } }, at)
    : { request: wanted.request, at, body };
}

function sameHeaders(some: KnownAnswer["headers"] & object, others: typeof some): boolean {
  const names = Object.keys(some);
  return names.length === Object.keys(others).length && names.every((name) => some[name] === others[name]);
}
