/**
 * The real SQLite store, in memory, as one life of an engine sees it. At the boundary of any commit the life may end:
 * before the commit, or after it with the answer never heard; from then on nothing answers. Commits may also be
 * refused as a full disk refuses them, and an accept may be stored though it was refused.
 */
import { HookrailError } from "../../engine/core/errors.ts";
import type { Store } from "../../engine/store/store.ts";

const changing = [
  "accept",
  "commitApply",
  "markAttempt",
  "settleDelivery",
  "recoverInterrupted",
  "retryDeadLetter",
  "discardDeadLetter",
  "setPause",
  "clearPause",
  "saveRevision",
  "purge",
] as const;

export type Changing = (typeof changing)[number];

/** What happens to one commit. */
export type Fate = "commit" | "refuse" | "commit_and_refuse" | "die_before" | "die_after";

/** One engine from its start to its end. */
export interface Life {
  readonly number: number;
  dead: boolean;
  /** Resolves when it ends. */
  readonly end: PromiseWithResolvers<void>;
  /** Calls of the store that have not answered. */
  waiting: number;
}

export interface SimStoreOptions {
  readonly store: Store;
  readonly life: Life;
  /** Asked once for each commit. */
  readonly fate: (call: Changing) => Fate;
  /** Something went on: the instant is not over. */
  readonly onActivity: () => void;
  /** A commit was made: its argument and its result. */
  readonly onCommit: (call: Changing, argument: unknown, result: unknown) => void;
}

const silence = new Promise<never>(() => {});
const isChanging = (name: string): name is Changing => (changing as readonly string[]).includes(name);

type Call = (...given: readonly unknown[]) => Promise<unknown>;

export function createSimStore(options: SimStoreOptions): Store {
  const { store, life } = options;
  async function run(name: string, call: Call, given: readonly unknown[]): Promise<unknown> {
    if (life.dead) return silence;
    const fate = isChanging(name) ? options.fate(name) : "commit";
    if (fate === "die_before") return die();
    if (fate === "refuse") throw new HookrailError("HK4008", {});
    const result = await call(...given);
    if (isChanging(name)) options.onCommit(name, given[0], result);
    if (life.dead) return silence;
    if (fate === "die_after") return die();
    if (fate === "commit_and_refuse") throw new HookrailError("HK4011", { waitedMs: 0 });
    return result;
  }
  function die(): Promise<never> {
    life.dead = true;
    life.end.resolve();
    return silence;
  }
  const counted =
    (name: string, call: Call): Call =>
    async (...given) => {
      options.onActivity();
      life.waiting++;
      try {
        return await run(name, call, given);
      } finally {
        life.waiting--;
        options.onActivity();
      }
    };
  const wrapped = Object.entries(store).map(([name, call]) => [
    name,
    name === "close" ? async () => {} : counted(name, call as Call),
  ]);
  return Object.fromEntries(wrapped) as unknown as Store;
}
