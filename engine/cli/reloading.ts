/** Reload in a running engine: who asks for it (files, SIGHUP, a command), and what follows it outside the engine. */
import type { Revision } from "../config/revision.ts";
import type { Log } from "../core/log.ts";
import { releaseLoadMemory } from "../core/memory.ts";
import type { Engine } from "../flow/engine.ts";
import type { ReloadDocument, ReloadStatus } from "../http/admin-reload.ts";
import { type Built, createReloader, type ReloaderDeps, type ReloadOutcome } from "../reload/reloader.ts";
import { watchConfig } from "../reload/watch.ts";
import type { Cli } from "./context.ts";

/** What `run` knows and a reload needs. */
export interface ReloadSource extends Pick<ReloaderDeps, "build" | "evaluator" | "createEvaluator"> {
  /** Folder of `config.yaml`, absolute. */
  readonly root: string;
  /** What the engine starts with. */
  readonly first: Built;
  readonly onReloadSignal: Cli["onReloadSignal"];
}

export interface Reloading {
  reload(actor: string): Promise<ReloadDocument>;
  status(): ReloadStatus;
  close(): Promise<void>;
}

/** After a reload; several within it are one. */
const GIVE_BACK_MS = 10_000;

export function startReloading(
  source: ReloadSource,
  deps: Pick<ReloaderDeps, "clock" | "log" | "onTaken"> & {
    readonly engine: Engine;
    /** Hears what each reload came to. */
    readonly onEnd: (result: ReloadOutcome["result"]) => void;
  },
): Reloading {
  const { log, clock } = deps;
  const watching = watchConfig({
    root: source.root,
    clock,
    onChange: () => void reload("files", "config files").catch(() => stoppingAlready(log)),
    onFault: (error) =>
      log.repeating("error", "watch", "the config can not be watched: ask with `hookrail reload`", {
        error: error instanceof Error && "code" in error ? String(error.code) : "unknown",
      }),
  });
  const reloader = createReloader({ ...deps, ...source, code: source.first.code, onRead: watching.update });
  const reload = (why: string, actor: string): Promise<ReloadOutcome> =>
    reloader.reload(why, { actor, reason: why }).then(told).finally(giveBackSoon);

  /** Those who ask while one is under way share the next: it is told once. */
  let lastTold: ReloadOutcome | undefined;
  function told(outcome: ReloadOutcome): ReloadOutcome {
    if (outcome !== lastTold) deps.onEnd(outcome.result);
    lastTold = outcome;
    return outcome;
  }

  let givingBack = false;
  function giveBackSoon(): void {
    if (givingBack) return;
    givingBack = true;
    clock.after(GIVE_BACK_MS, () => {
      givingBack = false;
      releaseLoadMemory();
    });
  }

  source.onReloadSignal(() => void reload("SIGHUP", "SIGHUP").catch(() => stoppingAlready(log)));
  watching.update(source.first.read);
  return {
    reload: async (actor) => toDocument(await reload("command", actor)),
    status: () => statusOf(deps.engine.revision, reloader.last()),
    async close() {
      await watching.close();
      await reloader.close();
    },
  };
}

function stoppingAlready(log: Log): void {
  log.info("no reload: the engine is stopping");
}

function statusOf(running: Revision, last: ReloadOutcome | undefined): ReloadStatus {
  return {
    file_revision: last === undefined ? running.hash : (last.fileRevision ?? null),
    last_reload: last === undefined ? null : toDocument(last),
  };
}

function toDocument({ at, why, result, revision, fileRevision, changes, error }: ReloadOutcome): ReloadDocument {
  return {
    at: new Date(at).toISOString(),
    why,
    result,
    revision,
    file_revision: fileRevision ?? null,
    changes,
    error: error ?? null,
  };
}
