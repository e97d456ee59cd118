/** From the events of a test to really signed requests. */
import type { Revision, SourceModel } from "../config/revision.ts";
import type { TestEvent } from "../config/test-model.ts";
import { fail, HookrailError } from "../core/errors.ts";
import type { RawRequest } from "../core/types.ts";
import { identify } from "../provider/identify.ts";
import type { Sample } from "../provider/model.ts";
import { renderSample } from "../provider/sample.ts";
import { signWhole } from "../provider/sign.ts";

export interface RequestPlan {
  readonly event: TestEvent;
  readonly source: SourceModel;
  readonly sample: Sample;
  /** The provider's id this event goes by. */
  readonly id: string;
  /** When it happened, ms since the epoch. */
  readonly happenedAt: number;
  /** When it can arrive at the earliest. */
  readonly arrivesAt: number;
}

/** Reads a recorded event of a test, relative to `config.yaml`'s folder. */
export type ReadSample = (path: string) => Sample;

/** Places each event in time. Ids differ between the events of a list, and `times` repeats one request. */
export function planRequests(
  events: readonly TestEvent[],
  context: {
    readonly revision: Revision;
    readonly start: number;
    readonly prefix: string;
    readonly readSample: ReadSample;
  },
): RequestPlan[] {
  return events.map((event, index) => {
    const source = sourceOf(context.revision, event);
    const happenedAt =
      event.at === undefined
        ? context.start
        : "instant" in event.at
          ? event.at.instant
          : context.start + event.at.offsetMs;
    return {
      event,
      source,
      sample: sampleOf(source, event, context.readSample),
      id: event.id ?? `${context.prefix}_${index + 1}`,
      happenedAt,
      arrivesAt: happenedAt + event.delayMs,
    };
  });
}

function sourceOf(revision: Revision, event: TestEvent): SourceModel {
  const named =
    revision.sources.get(event.source) ??
    revision.pipelines.find((pipeline) => pipeline.source.name === event.source)?.source;
  return named ?? fail("HK8301", { source: event.source });
}

function sampleOf(source: SourceModel, event: TestEvent, readSample: ReadSample): Sample {
  const { payload } = event;
  switch (payload.kind) {
    case "sample":
      return (
        source.recipe.samples.get(payload.name) ?? fail("HK8302", { sample: payload.name, provider: source.provider })
      );
    case "file":
      return readSample(payload.path);
    case "body":
      return { name: payload.type ?? "body", headers: {}, body: payload.body };
  }
}

/** True when what its events start from can be found: a test that names what is not there tells so itself. */
export function canBePlanned(
  events: readonly TestEvent[],
  context: { readonly revision: Revision; readonly readSample: ReadSample },
): boolean {
  try {
    planRequests(events, { ...context, start: 0, prefix: "event" });
    return true;
  } catch (error) {
    if (error instanceof HookrailError) return false;
    throw error;
  }
}

/** The request as the provider would send it at `now`. */
export function toRequest(plan: RequestPlan, now: number): RawRequest {
  const { event, source } = plan;
  const { headers, body } = renderSample(source.recipe, plan.sample, {
    id: plan.id,
    time: plan.happenedAt,
    root: source.root,
    set: event.set,
    remove: event.remove,
    headers: event.headers,
  });
  const secret = source.secrets[0]?.value;
  const url = `http://hookrail.test${source.path}`;
  const signed =
    event.signature === "missing"
      ? { headers, body, url }
      : signWhole(source.recipe, {
          body,
          headers,
          now,
          id: plan.id,
          url,
          params: source.params,
          ...(secret === undefined ? {} : { secret }),
        });
  const sent = new URL(signed.url);
  return {
    method: "POST",
    target: sent.pathname + sent.search,
    path: source.path,
    query: sent.search.slice(1),
    headers: signed.headers,
    rawHeaders: Object.entries(signed.headers).flat(),
    // A byte more than was signed: the one change every scheme must see.
    body: event.signature === "invalid" ? Buffer.concat([signed.body, Buffer.from(" ")]) : signed.body,
    remoteAddress: "127.0.0.1",
    receivedAt: now,
  };
}

const defaultStart = Date.UTC(2026, 11, 1);

/** The first sample's own time, so that the times inside payloads stay true to it. */
export function timeOfFirst(revision: Revision, first: TestEvent | undefined, readSample: ReadSample): number {
  if (first === undefined) return defaultStart;
  const [plan] = planRequests([first], { revision, start: 0, prefix: "time", readSample });
  if (plan === undefined) return defaultStart;
  const request = {
    method: "POST",
    target: "/",
    path: "/",
    query: "",
    headers: { "content-type": "application/json", ...plan.sample.headers },
    body: Buffer.from(JSON.stringify(plan.sample.body)),
  };
  const found = identify(plan.source.recipe, request, { maxItems: 1_000 });
  return (found.kind === "events" ? found.events[0]?.occurredAt : undefined) ?? defaultStart;
}
