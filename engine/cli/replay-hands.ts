/** Who plans a replay and gives its turns: the running engine, or the store under its lock, where the next engine finds them. */
import { fail } from "../core/errors.ts";
import {
  createReplays,
  type PlanDeps,
  planReplay,
  type ReplayFilter,
  type ReplayPlan,
  type Replays,
} from "../flow/replay.ts";
import type { Routes } from "../flow/routes.ts";
import type { planDocument } from "../http/admin-replay.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { ReplayResult } from "../store/store.ts";
import { callAdmin } from "./admin-client.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

export interface ReplayHands {
  readonly replays: Replays;
  readonly through: "engine" | "store";
}

/** `routes`: absent for an engine elsewhere, which has its own. */
export async function withReplays<T>(
  cli: Cli,
  installation: Installation,
  { routes, work }: { readonly routes?: Routes; readonly work: (hands: ReplayHands) => Promise<T> },
): Promise<T> {
  const running = await callAdmin(cli, installation, { method: "GET", path: "/healthz" });
  if (running !== undefined || routes === undefined)
    return work({ replays: engineReplays(cli, installation), through: "engine" });
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    return await work({ replays: createReplays({ store, clock: cli.clock, routes }), through: "store" });
  } finally {
    await store.close();
  }
}

/** With an evaluator of its own: neither does a plan wait for events, nor do they for it. */
export async function planStored(filter: ReplayFilter, deps: Omit<PlanDeps, "evaluator">): Promise<ReplayPlan> {
  const evaluator = createEvaluator({ deadlineMs: deps.routes.revision.limits.mappingTimeoutMs });
  try {
    return await planReplay(filter, { ...deps, evaluator });
  } finally {
    await evaluator.close();
  }
}

const goneFrom = ({ remote, socketPath }: Installation) => fail("HK8005", { where: remote?.url ?? socketPath });

/** What an engine elsewhere would do, by its own config. What is sensitive comes masked. */
export async function planElsewhere(cli: Cli, place: Installation, filter: ReplayFilter): Promise<ReplayPlan> {
  const call = { method: "POST", path: "/api/v1/replay/plan", body: { ...filter } } as const;
  const answer = await callAdmin(cli, place, call);
  const document = (answer?.document ?? goneFrom(place)) as unknown as ReturnType<typeof planDocument>;
  const { events, turns, left_out: leftOut, more } = document;
  return {
    events,
    turns: turns.map(({ superseded_by: by, ...turn }) => ({ ...turn, ...(by !== undefined && { supersededBy: by }) })),
    leftOut,
    more,
  };
}

function engineReplays(cli: Cli, installation: Installation): Replays {
  const path = "/api/v1/replay";
  const gone = () => goneFrom(installation);
  return {
    // The engine names the caller itself, and knows which pipelines listen.
    replay: async (part, { reason }) => {
      const answer = await callAdmin(cli, installation, { method: "POST", path, body: { ...part, reason } });
      return (answer?.document ?? gone()) as unknown as ReplayResult;
    },
    pending: async () => {
      const answer = await callAdmin(cli, installation, { method: "GET", path });
      return Number((answer?.document ?? gone())["pending"]);
    },
  };
}
