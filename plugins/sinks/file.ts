/**
 * `file`: one line of JSON for each delivery, on disk before it counts as delivered. It takes any action with any
 * fields, so it can stand in for a sink that is not there yet.
 */
import { mkdirSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import {
  closed,
  defineSink,
  type JsonObject,
  type Outcome,
  type SinkContext,
  type SinkDelivery,
  shownKey,
  text,
} from "hookrail/plugin";

const config = closed({ path: text("The file, relative to config.yaml; its folder is made.", { "x-path": true }) });

/** Appends lines; those that wait while a sync runs share the next one. */
interface Appender {
  append(line: string): Promise<void>;
  close(): Promise<void>;
}

function createAppender(path: string): Appender {
  let waiting: { line: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let running: Promise<void> | undefined;
  let handle: FileHandle | undefined;
  const drain = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        handle ??= await openForAppend(path);
        await handle.appendFile(batch.map(({ line }) => `${line}\n`).join(""));
        await handle.datasync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        await handle?.close().catch(() => {});
        handle = undefined;
        for (const { reject } of batch) reject(error);
      }
    }
    running = undefined;
  };
  return {
    append(line) {
      return new Promise((resolve, reject) => {
        waiting.push({ line, resolve, reject });
        running ??= drain();
      });
    },
    async close() {
      await running;
      await handle?.close();
      handle = undefined;
    },
  };
}

/** A crash can leave half a line: it is ended, so that the next one stands on its own. */
async function openForAppend(path: string): Promise<FileHandle> {
  mkdirSync(dirname(path), { recursive: true });
  // Its lines hold people's data: only its owner reads a new file.
  const handle = await open(path, "a+", 0o600);
  const { size } = await handle.stat();
  if (size === 0) return handle;
  const last = Buffer.alloc(1);
  await handle.read(last, 0, 1, size - 1);
  if (last[0] !== 0x0a) await handle.appendFile("\n");
  return handle;
}

/** What a line says, without the instant it is written. */
function lineOf(delivery: SinkDelivery, connection: string): JsonObject {
  const entries = Object.entries(delivery.attributes);
  const set = Object.fromEntries(
    entries.flatMap(([name, write]) => ("set" in write ? [[name, write.set] as const] : [])),
  );
  const clear = entries.flatMap(([name, write]) => ("clear" in write ? [name] : []));
  const { type, key, ids, state } = delivery.entity;
  return {
    connection,
    pipeline: delivery.pipeline,
    action: delivery.action,
    kind: delivery.kind,
    entity: { type, key, ids, ...(state === undefined ? {} : { state }) },
    set,
    clear,
    event: { name: delivery.eventName, ...delivery.event },
    params: delivery.params,
    idempotency_key: delivery.idempotencyKey,
    entity_version: delivery.entityVersion,
  };
}

/** Full or broken disks pass; a path that can not be written is for a person. Both are known not to be on disk. */
function outcomeOf(error: unknown): Outcome {
  const code = error instanceof Error && "code" in error ? String(error.code) : "write failed";
  if (code === "EACCES" || code === "EISDIR" || code === "EROFS" || code === "ENOTDIR")
    return { kind: "pause", detail: code };
  // What was appended before a failed sync may still be there.
  return code === "EIO" ? { kind: "unknown", detail: code } : { kind: "retry", detail: code };
}

async function openFile(path: string, context: SinkContext) {
  const appender = createAppender(context.resolvePath(path));
  return {
    prepare: (delivery: SinkDelivery) => ({
      summary: `append to ${path}: ${delivery.action} ${delivery.entity.type} ${shownKey(delivery, context.entities)}`,
      data: lineOf(delivery, context.connection),
    }),
    async send(request: { readonly data: JsonObject }, { attempt }: { readonly attempt: number }): Promise<Outcome> {
      const at = new Date(context.clock.now()).toISOString();
      try {
        await appender.append(JSON.stringify({ at, ...request.data, attempt }));
        return { kind: "delivered" };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    close: () => appender.close(),
  };
}

export default defineSink({
  name: "file",
  summary: "A file: one line of JSON for each delivery.",
  config,
  guarantee: "at_least_once",
  actions: {
    upsert: { kind: "upsert", summary: "Attributes set and cleared.", openParams: true },
    identify: { kind: "upsert", summary: "Another name for upsert.", openParams: true },
    "*": { kind: "effect", summary: "Any other action.", openParams: true },
  },
  defaultAction: "upsert",
  marksAttempts: true,
  local: true,
  defaults: { concurrency: 32 },
  open: (settings, context) => openFile(String(settings["path"]), context),
});
