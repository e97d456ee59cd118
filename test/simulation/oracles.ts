/** The last look at a run that has come to rest: what was acknowledged, what the sinks have, in what order, how often. */
import type { EventStory, Store } from "../../engine/store/store.ts";
import type { SimSend, SimSinks } from "../support/sim-sink.ts";
import type { Plan, Planned, Scenario } from "./scenario.ts";
import type { Acknowledged, PauseSpan } from "./watch.ts";

export interface Look {
  readonly scenario: Scenario;
  readonly plan: Plan;
  readonly store: Store;
  readonly sinks: SimSinks;
  readonly acknowledged: readonly Acknowledged[];
  readonly pauses: readonly PauseSpan[];
  /** Ids of dead letters that were retried. */
  readonly retried: ReadonlySet<string>;
  readonly planned: ReadonlyMap<string, Planned>;
}

type Delivery = EventStory["deliveries"][number];

interface Seen extends Look {
  readonly stories: readonly EventStory[];
  readonly deliveries: ReadonlyMap<string, Delivery>;
  /** Deliveries that had a dead letter: a person sent them again. */
  readonly redriven: ReadonlySet<string>;
}

const ended = new Set(["delivered", "merged", "superseded", "discarded"]);

export async function lastLook(look: Look): Promise<{ problems: string[]; counts: Record<string, number> }> {
  const summaries = await look.store.events({ limit: 100_000 });
  const stories: EventStory[] = [];
  for (const { id } of [...summaries].reverse()) stories.push((await look.store.story(id)) as EventStory);
  const all = stories.flatMap((story) => story.deliveries);
  const letters = stories.flatMap((story) => story.deadLetters);
  const seen: Seen = {
    ...look,
    stories,
    deliveries: new Map(all.map((one) => [one.delivery.id, one])),
    redriven: new Set(letters.flatMap((letter) => letter.delivery ?? [])),
  };
  const types = [...look.scenario.revision.entities.keys()];
  const entities = [];
  for (const type of types) entities.push(...(await look.store.entities(type, 10_000)));
  return {
    problems: [
      ...(await ledger(seen)),
      ...ends(seen),
      ...(await rest(look.store)),
      ...effects(seen),
      ...requests(seen),
      ...lanes(seen),
      ...waits(seen),
      ...births(seen),
      ...once(seen),
      ...(await mirrors(seen)),
      ...look.scenario.check({ revision: look.scenario.revision, stories, entities, planned: look.planned }),
    ],
    counts: {
      events: stories.length,
      deliveries: all.length,
      attempts: look.sinks.sends.length,
      unknown: all.flatMap((one) => one.attempts).filter((one) => one.outcome === "unknown").length,
      effects: look.sinks.effects.length,
      dead_letters: letters.length,
    },
  };
}

/** Every acknowledgement names a stored event, every event was really sent, none is there twice, none is forged. */
async function ledger({ acknowledged, stories, planned }: Seen): Promise<string[]> {
  const problems: string[] = [];
  const byId = new Map(stories.map((story) => [story.event.id as string, story]));
  for (const { planned: one, event } of acknowledged) {
    const name = byId.get(event)?.event.providerId;
    if (name !== one.name) problems.push(`${one.name} was acknowledged as ${event}, which is ${name ?? "not stored"}`);
  }
  const names = new Map<string, number>();
  for (const { event } of stories) names.set(event.providerId, (names.get(event.providerId) ?? 0) + 1);
  for (const [name, count] of names) {
    if (count > 1) problems.push(`${name} is stored ${count} times`);
    if (planned.get(name)?.forged !== undefined) problems.push(`${name} is stored, and was forged`);
  }
  for (const one of planned.values())
    if (!one.forged && !names.has(one.name)) problems.push(`${one.name} is not stored`);
  return problems;
}

/** Every pipeline that listens has its outcome, every delivery its end. */
function ends({ stories, planned, scenario }: Seen): string[] {
  const problems: string[] = [];
  for (const { event, outcomes, deliveries } of stories) {
    const listening = scenario.revision.pipelines.filter(
      (one) => one.source.name === event.source && one.rules.some((rule) => rule.on.includes(event.type)),
    );
    const hopeless = planned.get(event.providerId)?.hopeless === true;
    for (const { name } of listening) {
      const outcome = outcomes.find((one) => one.pipeline === name);
      const good = hopeless ? ["discarded", "dead"] : ["applied", "skipped"];
      if (!good.includes(outcome?.status ?? "nothing"))
        problems.push(
          `${event.providerId} in ${name} ended as ${outcome?.status ?? "nothing"}, not ${good.join(" or ")}`,
        );
      if (outcome?.status === "skipped" && outcome.reason === undefined)
        problems.push(`${event.providerId} in ${name} was skipped without a reason`);
    }
    for (const { delivery } of deliveries)
      if (!ended.has(delivery.status)) problems.push(`${delivery.id} of ${event.providerId} is ${delivery.status}`);
  }
  return problems;
}

async function rest(store: Store): Promise<string[]> {
  const { ready, held, openDeliveries, openDeadLetters } = await store.counts();
  const open = { ready, held, openDeliveries, openDeadLetters };
  return Object.entries(open).flatMap(([name, count]) => (count === 0 ? [] : [`at rest ${count} are left: ${name}`]));
}

/** At most one effect of a delivery; at a plain sink one more for each attempt that is flagged as unknown. */
function effects({ sinks, deliveries }: Seen): string[] {
  const problems: string[] = [];
  const counted = new Map<string, number>();
  const effective = new Set<string>();
  for (const effect of sinks.effects) {
    // An overtaken upsert is made anew under another key: the promise is one effect for each request.
    const request = `${effect.delivery} ${effect.key}`;
    const had = counted.get(request) ?? 0;
    counted.set(request, had + 1);
    effective.add(effect.delivery);
    const found = deliveries.get(effect.delivery);
    if (found === undefined) {
      problems.push(`${effect.connection} got ${effect.delivery}, which nobody stored`);
      continue;
    }
    const unknown = found.attempts.filter((one) => one.outcome === "unknown").length;
    const allowed = effect.class === "plain" ? 1 + unknown : 1;
    if (had + 1 > allowed)
      problems.push(`${effect.delivery} had ${had + 1} effects at ${effect.connection} (${effect.class})`);
  }
  for (const { delivery, attempts } of deliveries.values()) {
    if (delivery.status !== "delivered") continue;
    const known = attempts.some((one) => one.outcome === "delivered");
    const class_ = sinks.sends.find((send) => send.delivery === delivery.id)?.class;
    if (known && !effective.has(delivery.id) && class_ !== "exact")
      problems.push(`${delivery.id} is delivered and had no effect`);
    if (!known) problems.push(`${delivery.id} is delivered without an attempt that was`);
  }
  return problems;
}

/** Each attempt was marked or settled, and each repeats the same frozen request under the same key. */
function requests({ sinks, deliveries }: Seen): string[] {
  const problems: string[] = [];
  const first = new Map<string, SimSend>();
  const latest = new Map<string, string>();
  const sent = new Map<string, number>();
  for (const send of sinks.sends) {
    const lane = `${send.connection} ${send.lane}`;
    const wasOvertaken = latest.get(lane) !== send.delivery;
    latest.set(lane, send.delivery);
    // What a person sends again after others came before it is made anew, under another key; and so are those it came before.
    const before = (wasOvertaken ? undefined : first.get(send.delivery)) ?? send;
    first.set(send.delivery, before);
    sent.set(send.delivery, (sent.get(send.delivery) ?? 0) + 1);
    if (before.key !== send.key) problems.push(`${send.delivery} was sent under two keys`);
    if (before.request !== send.request && send.class !== "exact")
      problems.push(`${send.delivery} was sent as two requests`);
  }
  for (const [id, count] of sent) {
    const found = deliveries.get(id);
    // SQL needs no marks: what a crash cut off left nothing.
    if (found === undefined || first.get(id)?.class === "exact") continue;
    // A mark whose attempt the crash forestalled counts too: nobody could know.
    if (found.attempts.length < count)
      problems.push(`${id} was sent ${count} times and has ${found.attempts.length} attempts`);
    if (found.attempts.some((one) => one.outcome === "sending")) problems.push(`${id} has an attempt without an end`);
  }
  return problems;
}

/** Within a connection and entity one at a time, in the order of birth; only what a person sent again comes later. */
function lanes({ sinks, deliveries, redriven }: Seen): string[] {
  const problems: string[] = [];
  const newest = new Map<string, number>();
  const open = new Map<string, SimSend>();
  for (const send of sinks.sends) {
    const lane = `${send.connection} ${send.lane}`;
    const seq = deliveries.get(send.delivery)?.delivery.seq ?? 0;
    if (seq < (newest.get(lane) ?? 0) && !redriven.has(send.delivery))
      problems.push(`${send.delivery} was sent out of its order in ${lane}`);
    newest.set(lane, Math.max(seq, newest.get(lane) ?? 0));
    const before = open.get(lane);
    if (before !== undefined && before.life === send.life && (before.heardAt ?? Number.POSITIVE_INFINITY) > send.at)
      problems.push(`${send.delivery} was sent while ${before.delivery} was on its way in ${lane}`);
    open.set(lane, send);
  }
  return problems;
}

/** Nobody is pressed: what a sink asked for, what an unknown outcome needs, what an operator paused. */
function waits({ sinks, scenario, pauses, redriven }: Seen): string[] {
  const problems: string[] = [];
  const last = new Map<string, SimSend>();
  for (const send of sinks.sends) {
    const lane = `${send.connection} ${send.lane}`;
    const before = last.get(lane);
    const timeoutMs = scenario.revision.connections.get(send.connection)?.timeoutMs ?? 0;
    last.set(lane, send);
    for (const span of pauses)
      if (span.kind === "connection" && span.name === send.connection && span.from < send.at && send.at < span.to)
        problems.push(`${send.delivery} was sent to ${send.connection} while that was paused`);
    if (before?.heardAt === undefined) continue;
    const gap = send.at - before.heardAt;
    if (before.heard === "unknown" && before.class !== "exact" && gap < timeoutMs)
      problems.push(`${send.delivery} was sent ${gap} ms after an unknown outcome in ${lane}`);
    // What it asked for before a crash may not have been written down.
    if (
      before.delivery === send.delivery &&
      // A dead letter that is tried again goes out at once, by a person's word.
      !redriven.has(send.delivery) &&
      before.life === send.life &&
      before.heard === "retry" &&
      gap < (before.retryAfterMs ?? 50)
    )
      problems.push(`${send.delivery} was sent again ${gap} ms after ${before.weather}`);
  }
  return problems;
}

/** One event gives birth to one delivery at most for each entry and entity. */
function births({ deliveries }: Seen): string[] {
  const had = new Map<string, string>();
  const problems: string[] = [];
  for (const { delivery } of deliveries.values()) {
    const { event, pipeline, deliverId, entity } = delivery;
    const birth = `${event.providerId} ${pipeline} ${deliverId} ${entity.type}/${entity.key}`;
    const other = had.get(birth);
    if (other !== undefined) problems.push(`${birth}: born as ${other} and again as ${delivery.id}`);
    had.set(birth, delivery.id);
  }
  return problems;
}

/** Effects marked `once` happen once in an entity's life. */
function once({ scenario, deliveries }: Seen): string[] {
  const marked = new Set(
    scenario.revision.pipelines.flatMap((pipeline) =>
      pipeline.deliver.flatMap((entries) =>
        entries.filter((entry) => entry.once?.length === 0).map((entry) => `${pipeline.name}/${entry.id}`),
      ),
    ),
  );
  const had = new Map<string, string>();
  const problems: string[] = [];
  for (const { delivery } of deliveries.values()) {
    if (!marked.has(`${delivery.pipeline}/${delivery.deliverId}`)) continue;
    const life = `${delivery.deliverId} ${delivery.entity.type}/${delivery.entity.key}`;
    const other = had.get(life);
    if (other !== undefined) problems.push(`${life}: once, and born as ${other} and ${delivery.id}`);
    had.set(life, delivery.id);
  }
  return problems;
}

/** What a sink has equals what the entity has. */
async function mirrors({ scenario, sinks, store }: Seen): Promise<string[]> {
  const problems: string[] = [];
  for (const connection of scenario.revision.connections.keys()) {
    for (const type of scenario.revision.entities.keys()) {
      const wanted = scenario.mirrored(connection, type);
      if (wanted === undefined) continue;
      for (const record of await store.entities(type, 10_000)) {
        if (record.tombstone !== undefined) continue;
        const lane = `${type}/${record.key}`;
        const there = sinks.values(connection, lane);
        // What the entity does not know any more, since it was deleted, is none of the sink's business.
        const known = [...Object.keys(record.attributes), "state"];
        const names =
          wanted === "all"
            ? known
            : record.deletions === undefined
              ? wanted
              : wanted.filter((one) => known.includes(one));
        for (const name of names) {
          const stored =
            name === "state" ? (record.state === "unknown" ? null : record.state) : record.attributes[name]?.value;
          const is = there[name] ?? null;
          if (is !== (stored ?? null))
            problems.push(
              `${connection} has ${lane}.${name} = ${JSON.stringify(is)}, the entity ${JSON.stringify(stored ?? null)}`,
            );
        }
      }
    }
  }
  return problems;
}
