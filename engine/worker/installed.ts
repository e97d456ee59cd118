/** What depends on the revision, as one value: a reload builds the next one beside it and puts it in its place whole. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import { retryPlanFromSla } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Evaluator } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import type { RetryPlan } from "../delivery/model.ts";
import type { Engine } from "../flow/engine.ts";
import type { Observer } from "../flow/observer.ts";
import type { ApplyDeps } from "../flow/prepare.ts";
import { createRoutes, type Routes } from "../flow/routes.ts";
import type { Store } from "../store/store.ts";
import { createLink, type Link } from "./link.ts";

export interface Installed {
  readonly revision: Revision;
  readonly routes: Routes;
  readonly evaluator: Evaluator;
  readonly apply: ApplyDeps;
  /** By connection. */
  readonly links: ReadonlyMap<string, Link>;
}

/** What stays when the revision changes. */
export interface InstalledDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly observer: Observer;
}

export interface InstalledParts {
  readonly revision: Revision;
  readonly evaluator: Evaluator;
  /** Default: the revision's own. */
  readonly routes?: Routes | undefined;
  /** Links that are used on: their connections are the same in both revisions. */
  readonly kept?: ReadonlyMap<string, Link>;
}

/** Builds it; connections are opened only when they are used. */
export function createInstalled(parts: InstalledParts, deps: InstalledDeps): Installed {
  const { revision, evaluator } = parts;
  const routes = parts.routes ?? createRoutes(revision);
  return {
    revision,
    routes,
    evaluator,
    apply: {
      ...deps,
      routes,
      evaluator,
      retryPlan: (pipeline, connection) => retryPlanOf(revision, pipeline, connection),
    },
    links: new Map(
      [...revision.connections].map(([name, connection]) => [
        name,
        parts.kept?.get(name) ?? createLink(connection, deps),
      ]),
    ),
  };
}

/** Declared on the connection, else derived from the pipeline's SLA and the sink's idempotency window. */
function retryPlanOf(revision: Revision, pipeline: PipelineModel, name: string): RetryPlan {
  const connection = revision.connections.get(name);
  return { ...retryPlanFromSla(pipeline.sla.lagMs, connection?.idempotencyWindowMs), ...connection?.retry };
}

/** The state of each connection's breaker. */
export function breakersOf({ links }: Pick<Installed, "links">): ReturnType<Engine["breakers"]> {
  return new Map([...links].map(([name, { gate }]) => [name, gate.breaker()]));
}
