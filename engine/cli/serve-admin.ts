/** What the listeners of a running engine ask of it: its status document, what is sensitive, whose proxies are trusted; all by the revision at work. */
import type { Revision } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { guaranteeNames } from "../delivery/guarantee.ts";
import { createEdits, type Edits } from "../flow/edit.ts";
import type { Engine } from "../flow/engine.ts";
import { createRoutes } from "../flow/routes.ts";
import type { AdminDeps } from "../http/admin.ts";
import { isLoopbackHost } from "../http/admin-guard.ts";
import { type Sensitivity, type StatusDocument, sensitivityOf } from "../http/documents.ts";
import { createRemoteReader, type ReadRemote } from "../http/remote.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import type { Store } from "../store/store.ts";
import { createHealth } from "./health.ts";
import type { ServeOptions } from "./serve.ts";

interface Running {
  readonly store: Store;
  readonly engine: Engine;
  readonly requestId: () => string;
  readonly state: () => { readonly hooks: string; readonly admin: string; readonly draining: boolean };
  readonly sensitivity: () => Sensitivity;
  readonly startedAt: number;
  readonly isFatal: () => boolean;
}

/** What is sensitive by the revision at work. */
export function createSensitivity(engine: () => Engine): () => Sensitivity {
  let of: Revision["entities"] | undefined;
  let known = sensitivityOf(undefined);
  return () => {
    const { entities } = engine().revision;
    if (of === entities) return known;
    of = entities;
    known = sensitivityOf(of);
    return known;
  };
}

/** Trusts the proxies of the revision at work. */
export function createCurrentReader(engine: Engine): ReadRemote {
  let of: readonly string[] | undefined;
  let read: ReadRemote = createRemoteReader([]);
  return (peer, forwarded) => {
    const { trustedProxies } = engine.revision.server;
    if (of !== trustedProxies) {
      of = trustedProxies;
      read = createRemoteReader(trustedProxies);
    }
    return read(peer, forwarded);
  };
}

/** Corrections by the revision at work, on the engine's own store: that one wakes the engine. */
function createCurrentEdits(engine: Engine, clock: Clock): Edits {
  const current = () => {
    const { revision, store } = engine;
    const openEvaluator = () => createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
    return createEdits({ store, clock, routes: createRoutes(revision), openEvaluator });
  };
  return {
    plan: (correcting) => current().plan(correcting),
    edit: (correcting, by) => current().edit(correcting, by),
  };
}

type CommonAdminDeps = Omit<
  AdminDeps,
  "life" | "live" | "pipelines" | "planReplay" | "plans" | "recent" | "replays" | "reload" | "reloadStatus"
>;

export function createAdminDeps(
  options: ServeOptions,
  { store, engine, requestId, state, sensitivity, startedAt, isFatal }: Running,
): CommonAdminDeps {
  const { revision, clock, log, randomHex } = options;
  const exposed = !isLoopbackHost(revision.admin.host);
  return {
    reader: store,
    operations: engine,
    edits: createCurrentEdits(engine, clock),
    status: () => {
      const { draining, ...addresses } = state();
      return {
        ...statusOf(options, engine, startedAt),
        state: draining ? "draining" : "running",
        ...addresses,
      };
    },
    ...createHealth({ store, clock, state, isFatal }),
    sensitivity,
    entities: () => engine.revision.entities,
    // Tokens, roles and names of hosts follow a reload; where it listens does not.
    guard: {
      get tokens() {
        return engine.revision.admin.tokens;
      },
      get roles() {
        return engine.revision.admin.roles;
      },
      get allowedHosts() {
        return engine.revision.admin.allowedHosts;
      },
      now: clock.now,
      exposed,
    },
    audit: (row) => store.recordAudit(row),
    randomHex,
    readRemote: createCurrentReader(engine),
    log,
    requestId,
  };
}

function statusOf(
  { version, pid }: ServeOptions,
  { revision, breakers }: Engine,
  startedAt: number,
): Omit<StatusDocument, "state" | "hooks" | "admin"> {
  return {
    version,
    pid,
    started_at: new Date(startedAt).toISOString(),
    environment: revision.environment,
    revision: revision.hash,
    ...(revision.gitCommit === undefined ? {} : { git_commit: revision.gitCommit }),
    pipelines: revision.pipelines.map((one) => ({
      name: one.name,
      source: one.source.name,
      path: one.source.path,
      owner: one.owner,
    })),
    connections: [...revision.connections.values()].map((one) => ({
      name: one.name,
      sink: one.sink.name,
      guarantee: guaranteeNames(one),
      breaker: breakers().get(one.name) ?? "closed",
    })),
  };
}
