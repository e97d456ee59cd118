/** How commands reach what is stored: reading beside the engine, changing through it, or directly when none runs. */
import { existsSync } from "node:fs";
import { fail } from "../core/errors.ts";
import type { DeadLetterId } from "../core/types.ts";
import { createStoreOperations } from "../flow/operations.ts";
import { type Sensitivity, SHOW_ALL, sensitivityOf } from "../http/documents.ts";
import { entityDocument, storyWithSecret, valueDocument } from "../http/lineage.ts";
import { openSqliteReader, openSqliteStore } from "../store/sqlite.ts";
import type { Pause, StoreReader } from "../store/store.ts";
import { callAdmin } from "./admin-client.ts";
import { tryLoadRevision } from "./config.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";
import { createRemoteView, type View } from "./remote-view.ts";

/** Reads the store beside a running engine, or with none running. */
export async function withReader<T>(installation: Installation, work: (reader: StoreReader) => Promise<T>): Promise<T> {
  if (!existsSync(installation.storePath)) fail("HK8002", { path: installation.storePath });
  const reader = await openSqliteReader(installation.storePath);
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}

/** Reads what commands show, from the store or from the engine that `--url` names. */
export async function withView<T>(cli: Cli, place: Installation, work: (view: View) => Promise<T>): Promise<T> {
  if (place.remote !== undefined) return work(createRemoteView(cli, place));
  let loading: ReturnType<typeof tryLoadRevision> | undefined;
  const entities = async () => {
    loading ??= tryLoadRevision(cli, place.configPath);
    return (await loading)?.entities;
  };
  const sensitive = async () => sensitivityOf(await entities());
  return withReader(place, (reader) =>
    work({
      events: (filter) => reader.events(filter),
      story: (id) => reader.story(id),
      deadLetters: (filter) => reader.deadLetters(filter),
      deadLetter: (id) => reader.deadLetter(id),
      storyDocument: async (story) => storyWithSecret(story, { reader, sensitive: await sensitive() }),
      value: async (name) => valueDocument(name, { reader, sensitive: await sensitive(), entities: await entities() }),
      entity: async (ref) => entityDocument(ref, { reader, sensitive: await sensitive(), entities: await entities() }),
    }),
  );
}

/** What must not be shown of what a view gives: what comes from elsewhere is masked there. */
export async function sensitivityAt(cli: Cli, place: Installation): Promise<Sensitivity> {
  if (place.remote !== undefined) return SHOW_ALL;
  return sensitivityOf((await tryLoadRevision(cli, place.configPath))?.entities);
}

/** What commands change. False: there was nothing of that kind to change. */
export interface Hands {
  retryDead(id: DeadLetterId, reason: string): Promise<boolean>;
  discardDead(id: DeadLetterId, reason: string): Promise<boolean>;
  pause(kind: Pause["kind"], name: string, reason: string): Promise<boolean>;
  resume(kind: Pause["kind"], name: string, reason: string): Promise<boolean>;
  /** Through a running engine, or straight on the store: the work then waits for the next start. */
  readonly through: "engine" | "store";
}

/** Changes things through the running engine; with none running, on the store under its lock. */
export async function withHands<T>(
  cli: Cli,
  installation: Installation,
  work: (hands: Hands) => Promise<T>,
): Promise<T> {
  const running = await callAdmin(cli, installation, { method: "GET", path: "/healthz" });
  if (running !== undefined) return work(engineHands(cli, installation));
  if (!existsSync(installation.storePath)) fail("HK8002", { path: installation.storePath });
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    const operations = createStoreOperations(store, cli.clock);
    const by = (reason: string) => ({ actor: cli.user, reason });
    return await work({
      retryDead: (id, reason) => operations.retryDead(id, by(reason)),
      discardDead: (id, reason) => operations.discardDead(id, by(reason)),
      pause: async (kind, name, reason) => {
        await operations.pause(kind, name, by(reason));
        return true;
      },
      resume: (kind, name, reason) => operations.resume(kind, name, by(reason)),
      through: "store",
    });
  } finally {
    await store.close();
  }
}

function engineHands(cli: Cli, installation: Installation): Hands {
  const post = async (path: string, body: Record<string, string>) => {
    const answer = await callAdmin(cli, installation, { method: "POST", path, body });
    // The engine was there a moment ago: it has just stopped.
    if (answer === undefined) return fail("HK8005", { where: installation.socketPath });
    return answer.document;
  };
  return {
    retryDead: async (id, reason) =>
      (await post(`/api/v1/dead-letters/${encodeURIComponent(id)}/retry`, { reason })) !== undefined,
    discardDead: async (id, reason) =>
      (await post(`/api/v1/dead-letters/${encodeURIComponent(id)}/discard`, { reason })) !== undefined,
    pause: async (kind, name, reason) => (await post("/api/v1/pause", { kind, name, reason })) !== undefined,
    resume: async (kind, name, reason) =>
      (await post("/api/v1/resume", { kind, name, reason }))?.["was_paused"] === true,
    through: "engine",
  };
}
