/** Who gives the turns of a replay: the running engine, or the store under its lock, where the next engine finds them. */
import { fail } from "../core/errors.ts";
import { createReplays, type Replays } from "../flow/replay.ts";
import type { Routes } from "../flow/routes.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { ReplayResult } from "../store/store.ts";
import { callAdmin } from "./admin-client.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

export interface ReplayHands {
  readonly replays: Replays;
  readonly through: "engine" | "store";
}

export async function withReplays<T>(
  cli: Cli,
  installation: Installation,
  { routes, work }: { readonly routes: Routes; readonly work: (hands: ReplayHands) => Promise<T> },
): Promise<T> {
  const running = await callAdmin(cli, installation, { method: "GET", path: "/healthz" });
  if (running !== undefined) return work({ replays: engineReplays(cli, installation), through: "engine" });
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    return await work({ replays: createReplays({ store, clock: cli.clock, routes }), through: "store" });
  } finally {
    await store.close();
  }
}

function engineReplays(cli: Cli, installation: Installation): Replays {
  const path = "/api/v1/replay";
  const gone = () => fail("HK8005", { where: installation.socketPath });
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
