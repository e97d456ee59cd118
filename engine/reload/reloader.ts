/**
 * Takes a changed config while the engine runs: the new revision is built beside the old one and swapped in at an
 * event boundary; on any error the old one goes on, loudly. One reload at a time; what is asked for while one is
 * under way is one more reload after it, since the files may have changed behind its back.
 */
import type { Loaded } from "../config/options.ts";
import { renderDiagnostics } from "../config/render.ts";
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { fail, HookrailError } from "../core/errors.ts";
import type { Evaluator } from "../core/expression.ts";
import { errorFields, type Log } from "../core/log.ts";
import type { Actor, Engine } from "../flow/engine.ts";
import { isSame, restartKeys, sameConnections } from "./compare.ts";
import type { ReadFiles } from "./watch.ts";

/** A config as read from the files of now. */
export interface Built {
  readonly loaded: Loaded;
  /** Tells one state of the sinks in code from another. */
  readonly code: string;
  /** All that was read, or looked for. */
  readonly read: ReadFiles;
}

export interface ReloadError {
  readonly code: string;
  readonly message: string;
  /** Code frames of a config with errors. */
  readonly frames: readonly string[];
}

export interface ReloadOutcome {
  /** ms since the epoch. */
  readonly at: number;
  /** What asked for it: `files`, `SIGHUP`, `command`. */
  readonly why: string;
  readonly result: "taken" | "unchanged" | "refused";
  /** The revision at work afterwards. */
  readonly revision: string;
  /** The revision the files make; absent while they make none. */
  readonly fileRevision?: string;
  /** What was moved and dropped, in words. */
  readonly changes: readonly string[];
  readonly error?: ReloadError;
}

export interface Reloader {
  reload(why: string, by: Actor): Promise<ReloadOutcome>;
  /** Of the last reload that was no mere look at unchanged files. */
  last(): ReloadOutcome | undefined;
  /** Lets a reload that is under way end, and begins no other. */
  close(): Promise<void>;
}

export interface ReloaderDeps {
  readonly engine: Pick<Engine, "revision" | "swap">;
  readonly build: () => Promise<Built>;
  /** The one at work; opened sinks ask here at each evaluation. */
  readonly evaluator: { get(): Evaluator; set(made: Evaluator): Evaluator };
  /** `code` of what is at work: it is read once. */
  readonly code: string;
  /** A warm evaluator for a revision. */
  readonly createEvaluator: (revision: Revision) => Promise<Evaluator>;
  /** Takes over what does not go through the engine: log level, limits of listeners. */
  readonly onTaken: (revision: Revision) => void;
  /** Hears of everything that was read, whatever came of it. */
  readonly onRead: (read: ReadFiles) => void;
  readonly clock: Clock;
  readonly log: Log;
}

export function createReloader(deps: ReloaderDeps): Reloader {
  const { engine, clock, log } = deps;
  let last: ReloadOutcome | undefined;
  let running: Promise<unknown> = Promise.resolve();
  let waiting: { readonly outcome: Promise<ReloadOutcome> } | undefined;
  let closed = false;

  async function reloadNow(why: string, by: Actor): Promise<ReloadOutcome> {
    let made: Evaluator | undefined;
    let fileRevision: string | undefined;
    const outcome = (rest: Pick<ReloadOutcome, "result" | "changes"> & { error?: ReloadError }): ReloadOutcome => ({
      at: clock.now(),
      why,
      revision: engine.revision.hash,
      ...(fileRevision !== undefined && { fileRevision }),
      ...rest,
    });
    try {
      const { loaded, code, read } = await deps.build();
      deps.onRead(read);
      const { revision } = loaded;
      if (revision === undefined) return refuse(outcome, configError(loaded, engine.revision));
      fileRevision = revision.hash;
      const current = engine.revision;
      const keys = [...restartKeys(current, revision), ...(code === deps.code ? [] : ["sinks in code"])];
      if (keys.length > 0) fail("HK8043", { keys: keys.join(", ") });
      if (isSame(current, revision)) return unchanged(outcome({ result: "unchanged", changes: [] }));
      const sameTimes = current.limits.mappingTimeoutMs === revision.limits.mappingTimeoutMs;
      if (!sameTimes) made = await deps.createEvaluator(revision);
      const next = made ?? deps.evaluator.get();
      const keep = sameConnections(current, revision);
      const changes = await engine.swap({ revision, evaluator: next, keep, by });
      made = undefined;
      deps.evaluator.set(next);
      deps.onTaken(revision);
      return took(outcome({ result: "taken", changes }), current);
    } catch (error) {
      await made?.close();
      return refuse(outcome, errorOf(error));
    }
  }

  function took(done: ReloadOutcome, before: Revision): ReloadOutcome {
    last = done;
    log.info("config reloaded", {
      why: done.why,
      revision: done.revision.slice(0, 12),
      before: before.hash.slice(0, 12),
      changes: done.changes,
    });
    return done;
  }

  /** Editors touch files without changing them; only the way back from a refusal is worth a line. */
  function unchanged(done: ReloadOutcome): ReloadOutcome {
    if (last?.result === "refused" || done.why !== "files") last = done;
    else return done;
    log.info("config unchanged", { why: done.why, revision: done.revision.slice(0, 12) });
    return done;
  }

  function refuse(
    outcome: (rest: Pick<ReloadOutcome, "result" | "changes"> & { error: ReloadError }) => ReloadOutcome,
    error: ReloadError,
  ): ReloadOutcome {
    last = outcome({ result: "refused", changes: [], error });
    const { code, message } = error;
    log.error("config not reloaded; the one in force goes on", {
      why: last.why,
      revision: last.revision.slice(0, 12),
      code,
      error: message,
    });
    for (const frame of error.frames) log.error("config error", { code, frame: frame.split("\n") });
    return last;
  }

  return {
    reload(why, by) {
      if (closed) return Promise.reject(new HookrailError("HK8045"));
      if (waiting !== undefined) return waiting.outcome;
      const begin = (): Promise<ReloadOutcome> => {
        waiting = undefined;
        return reloadNow(why, by);
      };
      const result = running.then(begin);
      waiting = { outcome: result };
      running = result;
      return result;
    },
    last: () => last,
    async close() {
      closed = true;
      await running;
    },
  };
}

function configError({ diagnostics, files }: Loaded, running: Revision): ReloadError {
  const errors = diagnostics.filter((one) => one.severity === "error");
  const error = new HookrailError("HK8040", { count: errors.length, revision: running.hash.slice(0, 12) });
  return {
    code: error.code,
    message: error.message,
    frames: errors.map((one) => renderDiagnostics([one], { files })),
  };
}

/** The message of a foreign error may quote what it failed on. */
function errorOf(error: unknown): ReloadError {
  if (error instanceof HookrailError) return { code: error.code, message: error.message, frames: [] };
  const { error: name, system_code: code, at } = errorFields(error);
  const where = Array.isArray(at) ? ` ${String(at[0] ?? "")}` : "";
  return { code: "HK9001", message: `${String(code ?? name)}${where}`, frames: [] };
}
