/**
 * Whose promise it was: one of a plugin's that fails while nobody waits for it is told to its plugin's account and ends
 * nothing. What a plugin calls of the engine runs outside, so that a fault of our own is never laid at a plugin's door.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { fail } from "../core/errors.ts";
import type { SinkContext } from "./index.ts";

/** A promise that failed with nobody waiting for it: where, and what kind of error, never what it says. */
export interface FloatingFailure {
  readonly kind: "sink" | "scheme";
  readonly plugin: string;
  readonly connection?: string;
  /** The attempt that began it, if one did. */
  readonly attempt?: string;
  /** A code such as ENOENT, or the error's class. */
  readonly error: string;
  /** The line that made the error, if it is known. */
  readonly at?: string;
}

/** On whose account code runs. */
export type Account = Pick<FloatingFailure, "kind" | "plugin" | "connection" | "attempt">;

interface Running {
  readonly account: Account;
  failed: boolean;
}

const running = new AsyncLocalStorage<Running>();

/** Runs a plugin's code on its account. */
export function onAccount<T>(account: Account, call: () => T): T {
  return running.run({ account, failed: false }, call);
}

/**
 * Sends on a plugin's account. A promise that failed meanwhile, waited for by nobody, makes the answer worth nothing:
 * `delivered` may have been said of a write that was not made.
 */
export async function sendOnAccount<T>(account: Account, send: () => Promise<T>): Promise<T> {
  const own: Running = { account, failed: false };
  const answer = await running.run(own, async () => send());
  // Promises that have failed already are told before the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (own.failed) fail("HK5440", { kind: account.kind, plugin: account.plugin });
  return answer;
}

/** What the engine does for a plugin is on its own account; the promise that the plugin gets is on the plugin's. */
export function offAccount(context: SinkContext): SinkContext {
  const { http } = context;
  return {
    ...context,
    http: {
      request: async (request) => running.exit(() => http.request(request)),
      close: async () => running.exit(() => http.close?.()),
    },
    evaluate: async (...given) => running.exit(() => context.evaluate(...given)),
    openPreset: async (...given) => running.exit(() => context.openPreset(...given)),
  };
}

/** For a rejection that nobody handles: the plugin's whose it is; undefined when it is the engine's own. */
export function floatingFailure(error: unknown): FloatingFailure | undefined {
  const own = running.getStore();
  if (own === undefined) return undefined;
  own.failed = true;
  const at = lineOf(error);
  return { ...own.account, error: kindOf(error), ...(at !== undefined && { at }) };
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,40}$/.test(code) ? code : error.constructor.name;
}

/** The first frame that is a file. */
function lineOf(error: unknown): string | undefined {
  const stack: unknown = error instanceof Error ? error.stack : undefined;
  if (typeof stack !== "string") return undefined;
  return /^ {4}at .*?((?:file:\/\/)?\/[^\s()]+:\d+:\d+)\)?$/m.exec(stack)?.[1];
}
