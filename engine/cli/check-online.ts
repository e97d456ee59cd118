/** `hookrail check --online`: whether each sink can be reached. Nothing is written there, and nothing waits for ever. */
import type { Revision } from "../config/revision.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { errorMessage, HookrailError } from "../core/errors.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import { reach } from "../network/reach.ts";

/** For each connection, all it is asked. */
const TIMEOUT_MS = 10_000;
const AT_ONCE = 8;

/** Findings of all connections, in their order. */
export async function checkOnline(revision: Revision): Promise<readonly Diagnostic[]> {
  const all = [...revision.connections.values()];
  const found: (Diagnostic | undefined)[] = [];
  for (let i = 0; i < all.length; i += AT_ONCE)
    found.push(...(await Promise.all(all.slice(i, i + AT_ONCE).map(checkOne))));
  return found.filter((one) => one !== undefined);
}

async function checkOne(connection: ConnectionModel): Promise<Diagnostic | undefined> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const problem = await problemOf(connection, signal);
  if (problem === undefined) return undefined;
  const { file, line, column } = connection.position;
  return {
    code: "HK8112",
    severity: "error",
    message: errorMessage("HK8112", { connection: connection.name, problem }),
    span: { file, line, column, endLine: line, endColumn: column + 1 },
    hint: "nothing was written; without `--online` it is not asked",
  };
}

async function problemOf(connection: ConnectionModel, signal: AbortSignal): Promise<string | undefined> {
  for (const url of urlsOf(connection)) {
    const reached = await reach(url, { allowPrivate: connection.allowPrivate, signal });
    if (!reached.ok) return reached.problem;
  }
  return probe(connection, signal);
}

/** Where the sink is, by its settings. */
function urlsOf({ settings }: ConnectionModel): readonly string[] {
  return ["base_url", "url", "login_url"].flatMap((key) => {
    const value: unknown = settings[key];
    return typeof value === "string" && /^https?:/.test(value) ? [value] : [];
  });
}

/** The sink's own harmless call, where it has one. */
async function probe(connection: ConnectionModel, signal: AbortSignal): Promise<string | undefined> {
  try {
    const open = await connection.open();
    try {
      const answer = await open.probe?.(signal);
      return answer === undefined || answer.ok ? undefined : answer.detail;
    } finally {
      await open.close();
    }
  } catch (error) {
    // What other errors say could hold a credential.
    return error instanceof HookrailError ? error.message : "it can not be opened";
  }
}
