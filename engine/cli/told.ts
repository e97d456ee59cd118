/** What stories need besides the rows: revisions with their commits and files, and when other events happened. */
import type { RevisionRecord, StoreReader } from "../store/store.ts";
import { secretReference } from "./record-fixture.ts";

/** What is read here beside the engine; of an engine elsewhere it is not known. */
export type Here = Pick<StoreReader, "revision" | "event" | "entity" | "lineage" | "story">;

export interface Told {
  /** `revision fdbf7164df9b, commit 1c2d3e4f5a6b`. */
  revision(hash: string): string;
  readonly commits: Readonly<Record<string, string | null>>;
  /** The line of a mapping, `file:line`, as that revision has it. */
  line(hash: string, mapping: string | undefined): string | undefined;
  /** How the config of a revision refers to a source's secret. */
  secret(hash: string, source: string, index: number): string | undefined;
  /** The event with this seq, and when it happened by its sender's clock. */
  event(seq: number | undefined): { readonly id: string; readonly occurredAt: number } | undefined;
}

export const NOTHING_TOLD: Told = {
  revision: (hash) => `revision ${short(hash)}`,
  commits: {},
  line: () => undefined,
  secret: () => undefined,
  event: () => undefined,
};

const short = (hash: string) => hash.slice(0, 12);

export async function tell(
  here: Here | undefined,
  about: { readonly revisions: Iterable<string>; readonly events?: Iterable<number | undefined> },
): Promise<Told> {
  if (here === undefined) return NOTHING_TOLD;
  const records = new Map<string, RevisionRecord>();
  for (const hash of new Set(about.revisions)) {
    const record = await here.revision(hash);
    if (record !== undefined) records.set(hash, record);
  }
  const events = new Map<number, { readonly id: string; readonly occurredAt: number }>();
  for (const seq of new Set(about.events ?? [])) {
    const event = seq === undefined ? undefined : await here.event(seq);
    if (event !== undefined) events.set(event.seq, { id: event.id, occurredAt: event.occurredAt });
  }
  return {
    revision(hash) {
      const commit = records.get(hash)?.gitCommit;
      return `revision ${short(hash)}${commit === undefined ? "" : `, commit ${short(commit)}`}`;
    },
    commits: Object.fromEntries(
      [...new Set(about.revisions)].map((hash) => [hash, records.get(hash)?.gitCommit ?? null]),
    ),
    line(hash, mapping) {
      const [, file = "", line = ""] = /^(.*):(\d+)$/.exec(mapping ?? "") ?? [];
      return records
        .get(hash)
        ?.files[file]?.split("\n")
        [Number(line) - 1]?.trim()
        .replace(/\s+#.*$/, "")
        .replace(/\s+/g, " ");
    },
    secret(hash, source, index) {
      const files = records.get(hash)?.files;
      const reference = files === undefined ? undefined : secretReference(files, source, index);
      return reference?.startsWith("${") === true ? reference : undefined;
    },
    event: (seq) => (seq === undefined ? undefined : events.get(seq)),
  };
}
