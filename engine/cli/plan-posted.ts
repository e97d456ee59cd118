/**
 * A plan in a process of its own, for the admin API: reads what was asked from stdin and writes the plan to stdout. The
 * posted config has nothing but its own files: no environment, no file of this machine, no code of its own.
 */
import { Command } from "commander";
import { createMemoryReader, staysInside } from "../config/files.ts";
import type { Revision } from "../config/revision.ts";
import { fail, HookrailError } from "../core/errors.ts";
import type { PostedFiles, PostedPlan } from "../http/admin-plan.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { planDocument } from "../plan/json.ts";
import { makePlan } from "../plan/plan.ts";
import { createShown } from "../plan/shown.ts";
import { storedScenario } from "../plan/stored.ts";
import { openPastStore, type PastStore } from "../store/read-past.ts";
import { type Cli, EXIT } from "./context.ts";
import { loadSide, type PlanSource, runningSource } from "./plan-load.ts";
import { onAction, type Verb } from "./verb.ts";

/** How the engine calls it. */
export const PLAN_POSTED = "plan-posted";

export interface PostedRequest extends PostedPlan {
  readonly root: string;
  readonly storePath: string;
}

export type PostedAnswer =
  | { readonly ok: true; readonly plan: object }
  | { readonly ok: false; readonly code: string; readonly data: Readonly<Record<string, string | number>> };

export const planPostedVerb: Verb = (cli, action) =>
  onAction(
    new Command(PLAN_POSTED).description("a plan that the admin API was asked for; the engine calls it"),
    action(async () => {
      const request: PostedRequest = JSON.parse(await cli.readStdin());
      cli.out.write(JSON.stringify(await answerPosted(cli, request)));
      return EXIT.ok;
    }),
  );

/** The error of the other process, as one of this. */
export function raisePosted({ code, data }: Extract<PostedAnswer, { ok: false }>): never {
  if (code === "HK8123" || code === "HK8125") return fail(code, data as never);
  return fail("HK8127", { problem: `it failed with ${code}` });
}

async function answerPosted(cli: Cli, request: PostedRequest): Promise<PostedAnswer> {
  try {
    return { ok: true, plan: await planPosted(cli, request) };
  } catch (error) {
    if (error instanceof HookrailError) return { ok: false, code: error.code, data: { ...error.data } };
    throw error;
  }
}

async function planPosted(cli: Cli, request: PostedRequest): Promise<object> {
  const { root, files, against, storePath, last, since, until } = request;
  for (const some of [files, against ?? {}]) refuseUnfit(some);
  const store = openPastStore(storePath);
  try {
    const running = await load(cli, await inForce(store, root));
    const before =
      against === undefined
        ? running
        : await load(cli, posted("the config it is held against", { root, files: against }));
    const after = await load(cli, posted("the posted config", { root, files }));
    const window = { last, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
    const stored = storedScenario(store, window, cli.clock.now());
    const evaluator = createEvaluator({ deadlineMs: running.limits.mappingTimeoutMs });
    try {
      const report = await makePlan({
        before,
        after,
        labels: { before: against === undefined ? "running" : "against", after: "posted" },
        scenarios: stored === undefined ? [] : [stored.scenario],
        basis: { kind: "stored", more: stored?.more ?? 0 },
        // What is sensitive where it runs stays so, whatever a posted config says.
        shown: createShown({ before, after, others: [running], key: Buffer.from(cli.randomHex(32), "hex") }),
        evaluator,
        rows: store.rows,
      });
      return planDocument({ ...report, basis: { ...report.basis, bodiesGone: stored?.bodiesGone() ?? 0 } });
    } finally {
      await evaluator.close();
    }
  } finally {
    store.close();
  }
}

const inForce = async (store: PastStore, root: string): Promise<PlanSource> => ({
  ...runningSource(root, (await store.running()) ?? fail("HK8121")),
  sealed: true,
});

const posted = (
  label: string,
  { root, files }: { readonly root: string; readonly files: PostedFiles },
): PlanSource => ({
  label,
  root,
  reader: createMemoryReader(files),
  sealed: true,
});

const CODE = /\.(?:[cm]?[jt]sx?|node|wasm|so|dll|dylib|sh|exe)$/i;

function refuseUnfit(files: PostedFiles): void {
  for (const path of Object.keys(files)) {
    if (!staysInside(path)) fail("HK8123", { problem: `a path leads out of the folder: ${short(path)}` });
    if (CODE.test(path)) fail("HK8123", { problem: `code is not taken: ${short(path)}` });
  }
}

/** Nobody knows what a path may be. */
const short = (path: string) => JSON.stringify(path.slice(0, 100));

const TOLD = 5;

async function load(cli: Cli, source: PlanSource): Promise<Revision> {
  const { revision, diagnostics } = await loadSide(cli, source);
  if (revision !== undefined) return revision;
  const errors = diagnostics.filter((one) => one.severity === "error");
  const told = errors.slice(0, TOLD).map(({ code, span, message }) => `${code} ${span.file}:${span.line}: ${message}`);
  return fail("HK8125", { side: source.label, count: errors.length, errors: told.join("; ") });
}
