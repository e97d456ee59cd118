/** `hookrail record --last N --corpus DIR`: writes the corpus and says what is in it. */
import { resolve } from "node:path";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { type LeftOut, recordCorpus } from "../plan/record-corpus.ts";
import { openPastStore } from "../store/read-past.ts";
import type { EventFilter, StoreReader } from "../store/store.ts";
import { writeCorpus } from "../testing/corpus.ts";
import type { RecordingDeps } from "../testing/recording.ts";
import { type Cli, EXIT } from "./context.ts";
import { parseSince } from "./events.ts";
import { plainText, printJson } from "./format.ts";
import type { Input } from "./verb.ts";

export interface CorpusRecording {
  readonly cli: Cli;
  readonly storePath: string;
  readonly reader: StoreReader;
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  readonly pseudonyms: RecordingDeps["pseudonyms"];
  readonly input: Input;
}

/** Why an event can not be recorded. */
export const REASONS: Readonly<Record<LeftOut, string>> = {
  no_source: "config.yaml has no source of its name",
  body_gone: "its body is gone from the store",
  unreadable: "its body can not be read",
};

export async function recordCorpusTo(folder: string, recording: CorpusRecording): Promise<number> {
  const { cli, reader, revision, input, storePath } = recording;
  const summaries = await reader.events(filterOf(cli, input));
  const seqs = summaries.map(({ seq }) => seq).reverse();
  const store = openPastStore(storePath);
  try {
    const { events, entities, differences, left } = await recordCorpus({
      ...recording,
      store,
      seqs,
      onProgress: (done) => void (cli.err.tty && cli.err.write(`\r${done} of ${seqs.length} `)),
    });
    if (cli.err.tty) cli.err.write("\r\u001b[K");
    const [why] = left.keys();
    if (events.length === 0)
      fail("HK8142", { problem: why === undefined ? "the store has none that fits" : REASONS[why] });
    const gitCommit = (await reader.revision(revision.hash))?.gitCommit;
    const target = resolve(cli.cwd, folder);
    const about = {
      revision: revision.hash,
      recordedAt: cli.clock.now(),
      ...(gitCommit !== undefined && { gitCommit }),
    };
    const manifest = written(target, () => writeCorpus(target, events, { ...about, entities }));
    tellDifferences(cli, differences);
    for (const [reason, count] of left) cli.err.write(`left out ${count}: ${REASONS[reason]}\n`);
    if (input.options["json"] === true) {
      const leftOut = [...left].map(([reason, count]) => ({ why: REASONS[reason], events: count }));
      const { sources } = manifest;
      printJson(cli, {
        corpus: { folder, events: events.length, sources, entities: entities.length, left_out: leftOut },
      });
    } else
      cli.out.write(
        `${events.length} events in ${plainText(folder)}, oldest first; ${entities.length} entities were known before them\n`,
      );
    return EXIT.ok;
  } finally {
    store.close();
  }
}

export function tellDifferences(cli: Cli, differences: readonly string[]): void {
  const all = [...new Set(differences)];
  for (const difference of all.slice(0, 5))
    cli.err.write(`${cli.err.color.yellow("differs")} ${plainText(difference)}\n`);
  if (all.length > 5) cli.err.write(`and ${all.length - 5} more\n`);
}

function written<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const problem = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return fail("HK8145", { path, problem }, { cause: error });
  }
}

function filterOf(cli: Cli, { options }: Input): EventFilter {
  const named = ["source", "pipeline", "type"].filter((name) => options[name] !== undefined);
  return {
    ...Object.fromEntries(named.map((name) => [name, String(options[name])])),
    ...(options["since"] === undefined ? {} : { since: parseSince(cli, String(options["since"])) }),
    limit: Number(options["last"]),
  };
}
