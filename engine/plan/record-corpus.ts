/** Stored events as a corpus: each as a recording without persons, and what was known before the first of them. */
import type { Revision } from "../config/revision.ts";
import type { Evaluator } from "../core/expression.ts";
import { createRoutes } from "../flow/routes.ts";
import type { PastStore } from "../store/read-past.ts";
import type { CorpusEvent } from "../testing/corpus.ts";
import type { CorpusEntity } from "../testing/corpus-state.ts";
import { createRecording, createRecordingTools, type Recording, type RecordingDeps } from "../testing/recording.ts";
import { createStateRedaction } from "../testing/redact-state.ts";
import { startState } from "./start-state.ts";
import { toPlanEvent } from "./stored.ts";

export interface CorpusOptions {
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  readonly pseudonyms: RecordingDeps["pseudonyms"];
  readonly store: PastStore;
  /** Oldest first. */
  readonly seqs: readonly number[];
  /** After each event: how many are done. */
  readonly onProgress?: (done: number) => void;
}

export interface RecordedCorpus {
  readonly events: readonly CorpusEvent[];
  readonly entities: readonly CorpusEntity[];
  /** Where a pipeline does something else with a recording, in words without values. */
  readonly differences: readonly string[];
  /** Why events were left out, and how many. */
  readonly left: ReadonlyMap<LeftOut, number>;
}

export type LeftOut = Extract<Recording, { ok: false }>["why"];

export async function recordCorpus(options: CorpusOptions): Promise<RecordedCorpus> {
  const { revision, evaluator, pseudonyms, store, seqs } = options;
  const [firstSeq = 0] = seqs;
  const routes = createRoutes(revision);
  const tools = createRecordingTools({ routes, pseudonyms });
  const fetched: RecordingDeps["fetched"] = async ({ seq }, pipeline) =>
    store.answers(seq).find((one) => one.pipeline === pipeline);
  const record = createRecording({ routes, evaluator, pseudonyms, fetched }, tools);
  const { entities } = revision;
  const state = createStateRedaction({ entities, vocabulary: tools.whole, pseudonyms: tools.pseudonyms, firstSeq });
  const events: CorpusEvent[] = [];
  const differences: string[] = [];
  const left = new Map<LeftOut, number>();
  for (const [index, seq] of seqs.entries()) {
    const stored = await store.event(seq);
    const recording: Recording = stored === undefined ? { ok: false, why: "body_gone" } : await record(stored);
    if (recording.ok) {
      const { pipelines: _pipelines, differences: found, ...recorded } = recording.recorded;
      events.push({ name: stored?.id ?? "", ...recorded });
      differences.push(...found);
      state.learn(recording.turns);
    } else left.set(recording.why, (left.get(recording.why) ?? 0) + 1);
    options.onProgress?.(index + 1);
  }
  const known = await startState({ revision, evaluator, past: store.before(firstSeq), events: inStore(store, seqs) });
  return { events, entities: known.map(state.entity), differences, left };
}

async function* inStore(store: PastStore, seqs: readonly number[]) {
  for (const seq of seqs) {
    const stored = await store.event(seq);
    if (stored !== undefined && stored.bodyPurged !== true && stored.body.byteLength > 0)
      yield toPlanEvent(stored, store.answers(seq));
  }
}
