/** Watches a run from outside and says which promise it broke. What is watched as it happens is here; the last look is in oracles.ts. */

import type { IngestReply } from "../../engine/flow/ingest.ts";
import type { ApplyCommit, DeadLetter, EntityRecord, Store } from "../../engine/store/store.ts";
import type { SimClock } from "../support/sim-clock.ts";
import type { SimSinks } from "../support/sim-sink.ts";
import type { Changing } from "../support/sim-store.ts";
import { lastLook } from "./oracles.ts";
import type { Plan, Planned, Scenario } from "./scenario.ts";

interface Target {
  readonly kind: "pipeline" | "connection";
  readonly name: string;
}

export interface PauseSpan extends Target {
  readonly from: number;
  to: number;
}

export interface Watch {
  readonly problems: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  problem(text: string): void;
  died(): void;
  sent(planned: Planned): void;
  answered(planned: Planned, reply: IngestReply): void;
  committed(call: Changing, argument: unknown, result: unknown): void;
  paused(target: Target): void;
  resumed(target: Target): void;
  allAnswered(): boolean;
  isHopeless(letter: DeadLetter): boolean;
  finish(): Promise<void>;
}

export interface Acknowledged {
  readonly planned: Planned;
  readonly event: string;
}

/** A late deletion takes what is older than it. */
function isDeletion(record: EntityRecord, before: EntityRecord): boolean {
  return JSON.stringify(record.deletions) !== JSON.stringify(before.deletions);
}

export function createWatch(world: {
  readonly scenario: Scenario;
  readonly plan: Plan;
  readonly store: Store;
  readonly sinks: SimSinks;
  readonly clock: SimClock;
}): Watch {
  const { scenario, plan, store, sinks, clock } = world;
  const problems: string[] = [];
  const acknowledged: Acknowledged[] = [];
  const answered = new Set<Planned>();
  const pauses: PauseSpan[] = [];
  const entities = new Map<string, EntityRecord>();
  const commits: ApplyCommit[] = [];
  const retried = new Set<string>();
  const counts = { events: 0, sends: 0, crashes: 0, deliveries: 0, unknown: 0 };
  const byName = new Map(plan.events.map((one) => [one.name, one]));
  const byEvent = new Map<string, Planned>();
  const problem = (text: string) => void problems.push(`${clock.now() - plan.start}: ${text}`);

  /** A protected value never goes and never falls, unless the event's rule may lower it or the entity is deleted. */
  async function checkProtected(commit: ApplyCommit): Promise<void> {
    for (const { record } of commit.entities) {
      const name = `${record.type}/${record.key}`;
      const before = entities.get(name);
      entities.set(name, record);
      if (before === undefined || before.tombstone !== undefined || record.tombstone !== undefined) continue;
      const model = scenario.revision.entities.get(record.type);
      for (const attribute of model?.attributes.values() ?? []) {
        const was = before.attributes[attribute.name]?.value ?? null;
        const is = record.attributes[attribute.name]?.value ?? null;
        if (!attribute.protected || was === null || was === is) continue;
        const event = await store.event(commit.eventSeq);
        const fell =
          is === null || (attribute.enum ?? []).indexOf(is as string) < (attribute.enum ?? []).indexOf(was as string);
        if (fell && !scenario.lowering.has(event?.type ?? "") && !isDeletion(record, before))
          problem(`${name}.${attribute.name} fell from ${was} to ${is} by ${event?.providerId} (${event?.type})`);
      }
    }
  }

  return {
    problems,
    counts,
    problem,
    died: () => void counts.crashes++,
    sent: () => void counts.sends++,
    answered(planned, reply) {
      answered.add(planned);
      const event = reply.headers["x-hookrail-event"];
      if (planned.forged) {
        if (reply.status !== 401) problem(`forged ${planned.name} was answered ${reply.status}`);
      } else if (reply.status < 200 || reply.status > 299) problem(`${planned.name} was answered ${reply.status}`);
      else if (event === undefined) problem(`${planned.name} was acknowledged without an event`);
      else {
        acknowledged.push({ planned, event });
        byEvent.set(event, planned);
      }
    },
    committed(call, argument, result) {
      if (call === "retryDeadLetter" && result === true) retried.add(String(argument));
      if (call !== "commitApply" || (result as { kind: string }).kind !== "ok") return;
      const commit = argument as ApplyCommit;
      commits.push(commit);
      void checkProtected(commit);
    },
    paused: (target) => void pauses.push({ ...target, from: clock.now(), to: Number.POSITIVE_INFINITY }),
    resumed(target) {
      for (const span of pauses)
        if (span.kind === target.kind && span.name === target.name) span.to = Math.min(span.to, clock.now());
    },
    allAnswered: () => plan.events.every((planned) => answered.has(planned)),
    isHopeless: (letter) => letter.kind === "event" && byEvent.get(letter.event)?.hopeless === true,
    async finish() {
      const found = await lastLook({ scenario, plan, store, sinks, acknowledged, pauses, retried, planned: byName });
      problems.push(...found.problems);
      Object.assign(counts, found.counts);
    },
  };
}
