/** Routes of the admin API that the dashboard is made from: each pipeline at a glance, and one pipeline in full. */
import { Type } from "typebox";
import type { PipelineStats } from "../flow/pipeline-stats.ts";
import type { Pause, StoreReader } from "../store/store.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, countsShape, list, orNull, pauseShape, shape, text, time, words } from "./admin-shapes.ts";
import { countsDocument, pauseDocument, type StatusDocument } from "./documents.ts";

/** What the config says of a pipeline. */
export interface DeclaredPipeline {
  readonly name: string;
  readonly description: string | null;
  readonly owner: string;
  readonly runbook: string | null;
  readonly source: string;
  readonly enabled: boolean;
  readonly lagMs: number;
  readonly objective: number;
  readonly connections: readonly string[];
}

/** One line of the mapping table. */
export interface MappingRow {
  readonly events: readonly string[];
  readonly entity: string;
  readonly attribute: string;
  readonly type: string;
  readonly from: string;
  readonly owner: string;
  readonly missing: string;
  readonly on_null: string;
  readonly invalid: string;
  readonly write: string;
  readonly protected: boolean;
  readonly sensitive: boolean;
  readonly place: string | null;
}

export interface PipelineDetail {
  readonly mapping: readonly MappingRow[];
  /** SVG. */
  readonly graph: string;
  readonly states: readonly { readonly entity: string; readonly svg: string }[];
}

export interface OverviewDeps {
  readonly reader: StoreReader;
  readonly status: () => StatusDocument;
  readonly guard: { readonly now: () => number };
  readonly pipelines: {
    readonly list: () => readonly DeclaredPipeline[];
    readonly detail: (name: string) => PipelineDetail | undefined;
    /** Its text; undefined for a path that is declared nowhere, and where there is no such file. */
    readonly runbook: (path: string) => string | undefined;
  };
  readonly recent: {
    stats(windowMs: number): readonly PipelineStats[];
    history(pipeline: string): readonly number[];
    duplicates(source: string, windowMs: number): number;
  };
}

const WINDOW_MS = 300_000;

const latelyShape = shape(
  {
    rate: Type.Number({ description: "Turns that ended, a second." }),
    events: count(),
    delivered: count(),
    skipped: count(),
    retries: count(),
    dead: count(),
    duplicates: count("Of the pipeline's source."),
    success: orNull(Type.Number({ description: "Share that is not dead; null while nothing ended." })),
    lag_p50_ms: orNull(Type.Number()),
    lag_p95_ms: orNull(Type.Number()),
    history: Type.Array(count(), { description: "Turns that ended in each five seconds, oldest first." }),
  },
  "The last five minutes.",
);

const pipelineMembers = {
  name: text(),
  description: orNull(text()),
  owner: text("The team that is responsible."),
  runbook: orNull(text("A path below the config's folder, or a URL.")),
  source: text(),
  enabled: Type.Boolean(),
  sla: shape({ lag_ms: count(), objective: Type.Number() }),
  connections: list(text()),
  paused: orNull(pauseShape),
  waiting: shape({ held: count(), dead_letters: count(), oldest_dead_letter_at: orNull(time()) }),
  lately: latelyShape,
};

export const OVERVIEW_ROUTES: readonly Route<OverviewDeps>[] = [
  {
    id: "overview",
    summary: "Each pipeline at a glance: what came of its last five minutes, what waits, who owns it",
    method: "GET",
    path: "/api/v1/overview",
    right: "read",
    answer: shape({
      at: time(),
      state: words(["running", "draining"]),
      pipelines: list(shape(pipelineMembers)),
      connections: list(
        shape({
          name: text(),
          sink: text(),
          breaker: words(["closed", "open", "half_open"]),
          open: count("Deliveries that are not done."),
          paused: orNull(pauseShape),
        }),
      ),
      counts: countsShape,
    }),
    run: overview,
  },
  {
    id: "getPipeline",
    summary: "One pipeline: its mapping table with owners and policies, its graph and the states it moves",
    method: "GET",
    path: "/api/v1/pipelines/{name}",
    right: "read",
    answer: shape({
      pipeline: shape(pipelineMembers),
      mapping: list(
        shape({
          events: list(text()),
          entity: text(),
          attribute: text(),
          type: text(),
          from: text(),
          owner: text(),
          missing: text(),
          on_null: text(),
          invalid: text(),
          write: text(),
          protected: Type.Boolean(),
          sensitive: Type.Boolean(),
          place: orNull(text("file:line")),
        }),
      ),
      graph: text("SVG."),
      states: list(shape({ entity: text(), svg: text() })),
    }),
    run: onePipeline,
  },
  {
    id: "getRunbook",
    summary: "A runbook that a pipeline or an alert names and that lies beside the config",
    method: "GET",
    path: "/api/v1/runbook",
    right: "read",
    query: { path: text("As `runbook:` names it.") },
    answer: shape({ path: text(), text: text("Markdown.") }),
    run: ({ query }, { pipelines }) => {
      const path = query.get("path") ?? "";
      const found = pipelines.runbook(path);
      return { document: found === undefined ? undefined : { path, text: found } };
    },
  },
];

interface Now {
  readonly pauses: readonly Pause[];
  readonly backlog: Awaited<ReturnType<StoreReader["backlog"]>>;
  readonly lately: ReadonlyMap<string, PipelineStats>;
  readonly recent: OverviewDeps["recent"];
}

async function look({ reader, recent }: OverviewDeps): Promise<Now> {
  const [pauses, backlog] = await Promise.all([reader.pauses(), reader.backlog()]);
  return { pauses, backlog, lately: new Map(recent.stats(WINDOW_MS).map((one) => [one.pipeline, one])), recent };
}

async function overview(_call: Call, deps: OverviewDeps): Promise<Answer> {
  const now = await look(deps);
  const status = deps.status();
  return {
    document: {
      at: new Date(deps.guard.now()).toISOString(),
      state: status.state,
      pipelines: deps.pipelines.list().map((one) => pipelineDocument(one, now)),
      connections: status.connections.map(({ name, sink, breaker }) => ({
        name,
        sink,
        breaker,
        open: now.backlog.deliveries.find((one) => one.connection === name)?.open ?? 0,
        paused: pausedOf(now, "connection", name),
      })),
      counts: countsDocument(await deps.reader.counts()),
    },
  };
}

async function onePipeline({ params: [name = ""] }: Call, deps: OverviewDeps): Promise<Answer> {
  const declared = deps.pipelines.list().find((one) => one.name === name);
  const detail = deps.pipelines.detail(name);
  if (declared === undefined || detail === undefined) return { document: undefined };
  return { document: { pipeline: pipelineDocument(declared, await look(deps)), ...detail } };
}

function pausedOf({ pauses }: Now, kind: Pause["kind"], name: string) {
  const pause = pauses.find((one) => one.kind === kind && one.name === name);
  return pause === undefined ? null : pauseDocument(pause);
}

function pipelineDocument({ lagMs, objective, ...declared }: DeclaredPipeline, now: Now) {
  const { name, source } = declared;
  const letters = now.backlog.deadLetters.find((one) => one.pipeline === name);
  const lately = now.lately.get(name);
  return {
    ...declared,
    sla: { lag_ms: lagMs, objective },
    paused: pausedOf(now, "pipeline", name),
    waiting: {
      held: now.backlog.held.find((one) => one.pipeline === name)?.held ?? 0,
      dead_letters: letters?.open ?? 0,
      oldest_dead_letter_at: letters === undefined ? null : new Date(letters.oldestAt).toISOString(),
    },
    lately: {
      rate: lately?.rate ?? 0,
      events: lately?.events ?? 0,
      delivered: lately?.delivered ?? 0,
      skipped: lately?.skipped ?? 0,
      retries: lately?.retries ?? 0,
      dead: lately?.dead ?? 0,
      duplicates: now.recent.duplicates(source, WINDOW_MS),
      success: lately?.success ?? null,
      lag_p50_ms: lately?.lagP50 ?? null,
      lag_p95_ms: lately?.lagP95 ?? null,
      history: now.recent.history(name),
    },
  };
}
