/** How commands change the store as a whole: through the running engine, or on the store under its lock. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { JudgedSecret } from "../flow/learned.ts";
import { createStoreLife, type Erased, type StoreLife } from "../flow/store-life.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import type { SeedResult } from "../store/store.ts";
import { callAdmin } from "./admin-client.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

/** With no engine running the store is made if it is not there: a seed may come before the first start. */
export async function withLife<T>(
  cli: Cli,
  installation: Installation,
  options: {
    readonly entities: ReadonlyMap<string, EntityModel>;
    readonly work: (life: StoreLife, through: "engine" | "store") => Promise<T>;
  },
): Promise<T> {
  const running = await callAdmin(cli, installation, { method: "GET", path: "/healthz" });
  if (running !== undefined) return options.work(engineLife(cli, installation), "engine");
  mkdirSync(dirname(installation.storePath), { recursive: true });
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    return await options.work(createStoreLife({ store, clock: cli.clock, entities: options.entities }), "store");
  } finally {
    await store.close();
  }
}

function engineLife(cli: Cli, installation: Installation): StoreLife {
  const post = async (path: string, body: { readonly [key: string]: unknown }) => {
    const answer = await callAdmin(cli, installation, { method: "POST", path, body });
    // The engine was there a moment ago: it has just stopped.
    return answer?.document ?? fail("HK8005", { where: installation.socketPath });
  };
  return {
    // The engine names the caller itself.
    erase: async (erasing, { reason }) => (await post("/api/v1/erase", { ...erasing, reason })) as unknown as Erased,
    secret: async (judging, { reason }) =>
      (await post("/api/v1/secrets", { ...judging, reason })) as unknown as JudgedSecret,
    seed: async (part, { reason }) => (await post("/api/v1/seed", { ...part, reason })) as unknown as SeedResult,
  };
}
