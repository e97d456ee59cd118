/** The end of a run: a first signal drains, a second one ends at once, and a fault of the store ends it too. */
import type { Log } from "../core/log.ts";
import { type Cli, EXIT } from "./context.ts";

export interface Stopping {
  /** Told when everything has started; a signal that came before takes effect now. */
  started(serving: { stop(graceMs: number): Promise<void> }): void;
  /** The store can promise nothing more: what is in flight is told so, and the process ends with a failure. */
  fatal(): void;
  /** Resolves with the exit code when all has stopped. */
  readonly ended: Promise<number>;
}

/** With a store that takes nothing there is nothing to wait for but answers on their way, ms. */
const FATAL_GRACE_MS = 2_000;

/** `graceMs`: how long the first signal's drain may take, asked when it comes. */
export function createStopping(cli: Pick<Cli, "onStopSignal" | "exit">, log: Log, graceMs: () => number): Stopping {
  const ended = Promise.withResolvers<number>();
  let serving: Parameters<Stopping["started"]>[0] | undefined;
  let asked: { readonly why: string; readonly code: number; readonly graceMs: number } | undefined;

  function stop(): void {
    if (serving === undefined || asked === undefined) return;
    const { why, code } = asked;
    log.info("stopping", { why, grace_ms: asked.graceMs });
    serving.stop(asked.graceMs).then(() => ended.resolve(code), ended.reject);
  }

  function ask(why: string, code: number, within: number): void {
    if (asked !== undefined) return;
    asked = { why, code, graceMs: within };
    stop();
  }

  cli.onStopSignal((signal) => {
    // Asked twice: what is under way is cut off. The store has it, and the next start goes on with it.
    if (asked !== undefined) {
      log.flush();
      cli.exit(EXIT.findings);
    }
    ask(signal, EXIT.ok, graceMs());
  });
  return {
    started(running) {
      serving = running;
      stop();
    },
    fatal: () => ask("store fault", EXIT.internal, FATAL_GRACE_MS),
    ended: ended.promise,
  };
}
