/** The part of an event's turn that needs no state: payload, rule, mapping, contract. Deterministic in (event, revision). */
import type { PipelineModel } from "../config/revision.ts";
import type { Clock } from "../core/clock.ts";
import { type ErrorCode, errorMessage } from "../core/errors.ts";
import type { Evaluator, Scope } from "../core/expression.ts";
import type { Ids } from "../core/ids.ts";
import { parseJson } from "../core/json.ts";
import type { RetryPlan } from "../delivery/model.ts";
import type { Violation } from "../mapping/contract.ts";
import { type Fetched, withFetched } from "../mapping/fetch.ts";
import { mapEvent } from "../mapping/map.ts";
import type { FetchModel, Mapped, RuleModel } from "../mapping/model.ts";
import type { Store, WorkItem } from "../store/store.ts";
import { judgeContract, unknownVersion } from "./contract.ts";
import type { Observer } from "./observer.ts";
import { readPayload } from "./payload.ts";
import type { Routes } from "./routes.ts";

export interface ApplyDeps {
  readonly routes: Routes;
  readonly store: Store;
  readonly evaluator: Evaluator;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly observer: Observer;
  readonly retryPlan: (pipeline: PipelineModel, connection: string) => RetryPlan;
}

/** What the part that needs no state made of a work item. */
export type Prepared =
  | {
      readonly kind: "mapped";
      readonly pipeline: PipelineModel;
      readonly mapped: Extract<Mapped, { kind: "mapped" }>;
      readonly scope: Scope;
      readonly drift: readonly string[];
      /** When the GET began that brought what its rule fetches. */
      readonly fetchedAt?: number;
      /** That GET, as it is stored. */
      readonly request?: string;
    }
  /** It goes on when this was fetched; `request` as `mapping/fetch.ts` writes it. */
  | {
      readonly kind: "fetch";
      readonly pipeline: PipelineModel;
      readonly rule: RuleModel;
      readonly fetch: FetchModel;
      readonly request: string;
    }
  | { readonly kind: "skipped"; readonly reason: "no_rule" | "not_selected" | "not_found"; readonly rule?: RuleModel }
  | { readonly kind: "dead"; readonly code: string; readonly message: string; readonly rule?: RuleModel };

/** Parses, checks the contract and maps: deterministic in (event, revision), so many can run at once. */
export async function prepareWork(
  item: Pick<WorkItem, "event" | "pipeline" | "fetched">,
  deps: Pick<ApplyDeps, "routes" | "evaluator"> & Partial<ApplyDeps>,
): Promise<Prepared> {
  const pipeline = deps.routes.pipeline(item.pipeline);
  if (pipeline === undefined) return dead("HK6005", { pipeline: item.pipeline });
  const payload = readPayload(item.event, pipeline.source);
  if (!payload.ok) return { kind: "dead", code: payload.code, message: payload.message };
  const scope: Scope = { input: payload.input, variables: { event: payload.whole }, receivedAt: item.event.receivedAt };
  const fetched = readFetched(item.fetched);
  const mapped = await mapEvent({
    rules: pipeline.rules,
    type: item.event.type,
    scope,
    times: pipeline.source.times,
    entities: deps.routes.revision.entities,
    evaluator: deps.evaluator,
    ...(fetched === undefined ? {} : { fetched }),
  });
  if (mapped.kind === "skipped" || (mapped.kind === "dead" && mapped.rule === undefined)) return mapped;
  const rule = mapped.rule as RuleModel;
  const seen = rule.fetch === undefined ? undefined : fetched;
  const unknown = unknownVersion(pipeline, { payload: payload.whole, headers: item.event.headers });
  if (unknown !== undefined && pipeline.versions?.unknown === "reject") return { ...dead("HK7003", unknown), rule };
  // Also where a row failed already: the contract says better than the row what is wrong with the payload.
  const contract = judgeContract(pipeline, {
    type: item.event.type,
    payload: payload.whole,
    rule,
    ...(seen === undefined || mapped.kind === "fetch" ? {} : { fetched: seen.value }),
  });
  if (contract.kind === "broken") {
    return {
      ...dead("HK7002", { contract: contract.contract, violations: tell(contract.violations) }),
      rule,
    };
  }
  if (mapped.kind === "fetch") return { ...mapped, pipeline };
  if (mapped.kind === "dead") return mapped;
  const base = seen === undefined || rule.fetch === undefined ? scope : withFetched(scope, rule.fetch, seen.value);
  return {
    kind: "mapped",
    pipeline,
    mapped,
    scope: { ...base, variables: { ...base.variables, ...mapped.lets } },
    ...(seen === undefined ? {} : { fetchedAt: seen.at, request: seen.request }),
    drift: [
      ...(unknown === undefined ? [] : ["the contract's version"]),
      ...(contract.kind === "drift" ? contract.violations.map(({ path }) => path) : []),
    ],
  };
}

/** It was judged when it came in. */
function readFetched(stored: WorkItem["fetched"]): Fetched | undefined {
  if (stored === undefined) return undefined;
  const parsed = parseJson(Buffer.from(stored.body));
  return parsed.ok ? { request: stored.request, at: stored.at, value: parsed.value } : undefined;
}

/** Places and what was expected there, never values; the first few tell the story. */
function tell(violations: readonly Violation[]): string {
  const told = violations.slice(0, 5).map(({ path, expected }) => `\`${path}\` ${expected}`);
  return told.join("; ") + (violations.length > told.length ? `; and ${violations.length - told.length} more` : "");
}

/** A dead end by a code of the catalogue. */
export function dead(code: ErrorCode, data: Record<string, string>): Extract<Prepared, { kind: "dead" }> {
  return { kind: "dead", code, message: errorMessage(code, data) };
}
