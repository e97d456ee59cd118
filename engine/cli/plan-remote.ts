/** `hookrail plan --remote`: the config is read here, and its plan made by a running engine over its own events. */
import { fail } from "../core/errors.ts";
import type { JsonObject } from "../core/types.ts";
import { readPlanDocument } from "../plan/json.ts";
import type { PlanReport } from "../plan/report.ts";
import { callAdmin } from "./admin-client.ts";
import type { Cli } from "./context.ts";
import { findInstallation, type GlobalOptions, type Installation } from "./installation.ts";
import { DEFAULT_LAST, windowOf } from "./plan-events.ts";
import { findAgainst, loadOrTell, type PlanSource } from "./plan-load.ts";
import { findRemote } from "./remote.ts";
import type { Input } from "./verb.ts";

/** An engine takes a minute at most. */
const TIMEOUT_MS = 90_000;

/** `--remote URL`, `--remote` with `--url` or HOOKRAIL_URL, or `--remote` alone: the engine on this machine. */
export function planPlace(cli: Cli, globals: GlobalOptions, options: Input["options"]): Installation {
  const { url, ...here } = globals;
  const installation = findInstallation(cli, here);
  const asked = options["remote"] ?? (url === undefined ? undefined : true);
  if (asked === undefined) return installation;
  const remote = findRemote(cli, typeof asked === "string" ? { ...globals, url: asked } : globals);
  return remote === undefined ? installation : { ...installation, remote };
}

export const isRemote = (globals: GlobalOptions, options: Input["options"]): boolean =>
  options["remote"] !== undefined || globals.url !== undefined;

/** The report, or the exit code after the faults of a side were told. */
export async function planRemote(
  cli: Cli,
  place: Installation,
  { here, options }: { readonly here: PlanSource; readonly options: Input["options"] },
): Promise<PlanReport | number> {
  const against = String(options["against"]);
  const older = against === "running" ? undefined : findAgainst(cli, against, { root: place.root, running: undefined });
  const before = older === undefined ? undefined : await loadOrTell(cli, older);
  if (typeof before === "number") return before;
  const after = await loadOrTell(cli, here);
  if (typeof after === "number") return after;
  const { last = DEFAULT_LAST, since, until } = windowOf(cli, options);
  const body = {
    files: after.files,
    ...(before === undefined ? {} : { against: before.files }),
    ...(since === undefined ? {} : { since: new Date(since).toISOString() }),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
    last,
  };
  const showsWait = cli.err.tty;
  if (showsWait) cli.err.write(`the engine looks at its newest ${last} events …`);
  const answer = await callAdmin(cli, place, {
    method: "POST",
    path: "/api/v1/plan",
    body,
    timeoutMs: TIMEOUT_MS,
  }).finally(() => showsWait && cli.err.write("\r\u001b[K"));
  if (answer === undefined) return fail("HK8129", { where: place.socketPath });
  const where = place.remote?.url ?? "the engine";
  if (answer.document === undefined) return fail("HK8128", { where });
  const report = readPlanDocument(answer.document as JsonObject) ?? fail("HK8217", { url: where, status: 200 });
  // What it was posted for is known here.
  return {
    ...report,
    before: { ...report.before, label: against, ...commitOf(before) },
    after: { ...report.after, label: here.label, ...commitOf(after) },
  };
}

const commitOf = (side: { readonly gitCommit?: string } | undefined) =>
  side?.gitCommit === undefined ? {} : { gitCommit: side.gitCommit };
