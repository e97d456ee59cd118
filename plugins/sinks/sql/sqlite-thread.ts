/** The thread of one SQLite file: fsyncs happen here, so that acknowledging hooks never waits for a CRM's disk. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { Program, Statement } from "./program.ts";
import { type GroupResult, openSqliteApplier, type SqliteApplier } from "./sqlite.ts";

/** What the thread is asked. */
export type ThreadRequest = { readonly id: number } & (
  | { readonly kind: "run"; readonly statements: readonly Statement[] }
  | { readonly kind: "list"; readonly statement: Statement }
  | { readonly kind: "apply"; readonly program: Program }
  | { readonly kind: "close" }
);

/** What it answers. */
export type ThreadReply = { readonly id: number; readonly values?: readonly string[]; readonly result: GroupResult };

/** Programs of one transaction at most: bounds the memory of the answers and how long the file is locked. */
const MAX_GROUP = 512;
/** For what has nothing to tell. */
const done: GroupResult = { ok: true, applied: "applied" };

/** Serves requests until it is told to close. Messages that wait while one commit runs share the next one. */
export function serveSqlite(port: NonNullable<typeof parentPort>, options: { readonly path: string }): void {
  let applier: SqliteApplier | undefined;
  const opened = () => {
    applier ??= openSqliteApplier(options.path);
    return applier;
  };
  port.on("message", (first: ThreadRequest) => {
    const requests = [first];
    while (requests.length < MAX_GROUP) {
      const more = receiveMessageOnPort(port);
      if (more === undefined) break;
      requests.push(more.message);
    }
    for (const reply of answer(requests, opened)) port.postMessage(reply);
    if (requests.some(({ kind }) => kind === "close")) {
      applier?.close();
      port.close();
    }
  });
}

function answer(requests: readonly ThreadRequest[], opened: () => SqliteApplier): readonly ThreadReply[] {
  const replies: ThreadReply[] = [];
  const guarded = (id: number, work: () => ThreadReply) => {
    try {
      replies.push(work());
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "SQLITE_CANTOPEN";
      replies.push({ id, result: { ok: false, code, message: error instanceof Error ? error.message : "failed" } });
    }
  };
  const programs = requests.flatMap((request) => (request.kind === "apply" ? [request] : []));
  for (const request of requests) {
    const { id } = request;
    if (request.kind === "run") {
      guarded(id, () => {
        opened().run(request.statements);
        return { id, result: done };
      });
    }
    if (request.kind === "list") guarded(id, () => ({ id, values: opened().list(request.statement), result: done }));
  }
  const results =
    programs.length === 0
      ? []
      : groupResults(
          programs.map(({ program }) => program),
          opened,
        );
  for (const [index, { id }] of programs.entries()) replies.push({ id, result: results[index] ?? done });
  for (const request of requests) if (request.kind === "close") replies.push({ id: request.id, result: done });
  return replies;
}

function groupResults(programs: readonly Program[], opened: () => SqliteApplier): readonly GroupResult[] {
  try {
    return opened().applyGroup(programs);
  } catch (error) {
    const message = error instanceof Error ? error.message : "failed";
    return programs.map(() => ({ ok: false, code: "SQLITE_CANTOPEN", message }));
  }
}

if (parentPort !== null && workerData?.thread === "hookrail-sql") serveSqlite(parentPort, workerData);
