/** The route of the admin API that says what a posted config would write otherwise, over the engine's own events. */
import { Type } from "typebox";
import { fail, HookrailError } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import type { AuditRow } from "../store/store.ts";
import type { AdminGuard } from "./admin-guard.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, list, orNull, reasonMember, shape, text, time, words } from "./admin-shapes.ts";

/** A config as it is posted: texts by their path below the folder of `config.yaml`. */
export type PostedFiles = Readonly<Record<string, string>>;

export interface PostedPlan {
  readonly files: PostedFiles;
  /** What it is held against; absent: the revision in force. */
  readonly against?: PostedFiles;
  /** ms since the epoch. */
  readonly since?: number;
  readonly until?: number;
  readonly last: number;
}

/** Makes plans beside the live path. */
export interface Plans {
  /** The plan as its JSON form has it. Fails with HK8123 to HK8127. */
  plan(asked: PostedPlan): Promise<object>;
}

export interface PlanDeps {
  readonly plans: Plans;
  readonly guard: Pick<AdminGuard, "now">;
  readonly audit: (row: AuditRow) => Promise<void>;
}

/** JSON of the files, escapes and all. */
const MAX_BYTES = 8 * 1024 * 1024;
export const MAX_PLAN_FILES = 1_000;
export const MAX_PLAN_EVENTS = 5_000;
const DEFAULT_EVENTS = 1_000;

const STATUSES: Readonly<Record<string, number>> = { HK8123: 400, HK8124: 409, HK8125: 422, HK8126: 422, HK8127: 500 };

const counts = { appear: count(), change: count(), vanish: count() };
const examples = list(
  shape({ event: text("Its id."), entity: Type.Optional(text()), before: text(), after: text() }, "Masked."),
);
const side = shape({ label: text(), revision: text(), git_commit: orNull(text()) });
const filesMember = (description: string) => Type.Record(Type.String(), Type.String(), { description });

export const PLAN_ROUTES: readonly Route<PlanDeps>[] = [
  {
    id: "plan",
    summary: "What a posted config would write otherwise, over the newest events of this engine; nothing is written",
    method: "POST",
    path: "/api/v1/plan",
    right: "plan",
    maxBytes: MAX_BYTES,
    body: shape({
      files: filesMember("The config: texts by their path below the folder of `config.yaml`. No code."),
      against: Type.Optional(filesMember("The config it is held against. Default: the revision in force.")),
      since: Type.Optional(time("Events received since then.")),
      until: Type.Optional(time("Events received before then.")),
      last: Type.Optional(
        count(`Of these the newest so many, at most ${MAX_PLAN_EVENTS}. Default: ${DEFAULT_EVENTS}.`),
      ),
      reason: Type.Optional(reasonMember),
    }),
    answer: shape({
      changes_present: Type.Boolean(),
      before: side,
      after: side,
      basis: shape({
        kind: words(["stored", "corpus", "samples"]),
        events: count(),
        from: orNull(time()),
        to: orNull(time()),
        left_out: shape({ more: count(), bodies_gone: count(), not_fetched: count() }),
      }),
      pipelines: list(
        shape({
          pipeline: text(),
          kind: words(["added", "removed", "changed"]),
          attributes: list(shape({ entity: text(), attribute: text(), places: list(text()), ...counts, examples })),
          effects: list(shape({ connection: text(), action: text(), event: text(), ...counts, examples })),
          outcomes: list(shape({ before: text(), after: text(), count: count(), examples: list(text()) })),
        }),
      ),
      breaking: list(
        shape({
          kind: text(),
          what: text(),
          why: text(),
          events: count(),
          rows: list(text("Live rows that hold it, in words.")),
          examples: list(text()),
        }),
      ),
      unchanged: count("Attributes and effects that no event writes differently."),
    }),
    statuses: {
      409: "A plan is being made already; the engine makes one at a time.",
      422: "The config has errors, or the plan took too long; `error` says which.",
    },
    run: planPosted,
  },
];

async function planPosted({ body, actor }: Call, { plans, guard, audit }: PlanDeps): Promise<Answer> {
  const asked = readAsked(body);
  const { reason = "" } = body;
  if (typeof reason !== "string") return fail("HK8018", { problem: "reason must be text" });
  // First the audit: who has asked what of the events is known, whatever came of it.
  await audit({ at: guard.now(), actor, action: "plan", target: `${asked.last} events`, reason });
  try {
    return { document: await plans.plan(asked) };
  } catch (error) {
    const status = error instanceof HookrailError ? STATUSES[error.code] : undefined;
    if (status === undefined) throw error;
    return { status, document: { error: (error as HookrailError).message } };
  }
}

function readAsked(body: Call["body"]): PostedPlan {
  const { files, against, since, until, last = DEFAULT_EVENTS } = body;
  if (typeof last !== "number" || !Number.isInteger(last) || last < 1 || last > MAX_PLAN_EVENTS)
    return fail("HK8018", { problem: `last must be a whole number up to ${MAX_PLAN_EVENTS}` });
  return {
    files: readFiles("files", files),
    ...(against === undefined ? {} : { against: readFiles("against", against) }),
    ...(since === undefined ? {} : { since: instantOf("since", since) }),
    ...(until === undefined ? {} : { until: instantOf("until", until) }),
    last,
  };
}

function readFiles(name: string, files: Json | undefined): PostedFiles {
  const isTexts = isJsonObject(files) && Object.values(files).every((one) => typeof one === "string");
  if (!isTexts) return fail("HK8018", { problem: `${name} must be an object of texts by path` });
  const paths = Object.keys(files);
  if (paths.length > MAX_PLAN_FILES)
    return fail("HK8018", { problem: `${name} has ${paths.length} files, and ${MAX_PLAN_FILES} are allowed` });
  if (!paths.includes("config.yaml")) return fail("HK8018", { problem: `${name} has no config.yaml` });
  return files as PostedFiles;
}

function instantOf(name: string, value: Json): number {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? fail("HK8018", { problem: `${name} must be an ISO time` }) : at;
}
