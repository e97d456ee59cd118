/**
 * Sinks of a simulation, in three classes: `exact` keeps keys and versions in its own transaction, `keyed` knows an
 * idempotency key again, `plain` knows nothing. Each attempt meets weather: an answer of any class, late or none, with
 * or without an effect. What a sink has begun goes on when the engine has given up or died, until its own timeout.
 */
import type { Json, JsonObject } from "../../engine/core/types.ts";
import { classifyAnswer, classifyFailure } from "../../engine/delivery/classify.ts";
import type { ConnectionModel } from "../../engine/delivery/model.ts";
import type { FrozenRequest, OpenSink, Outcome, SinkDelivery } from "../../engine/plugin/index.ts";
import type { SimClock } from "./sim-clock.ts";
import type { Dice } from "./sim-random.ts";

export type SinkClass = "exact" | "keyed" | "plain";

/** What was sent and what came of it at the sink. */
export interface SimSend {
  readonly at: number;
  readonly connection: string;
  readonly class: SinkClass;
  readonly delivery: string;
  readonly key: string;
  readonly attempt: number;
  /** `type/key` of the entity. */
  readonly lane: string;
  readonly life: number;
  /** Canonical text of the frozen request. */
  readonly request: string;
  readonly weather: Weather;
  /** The engine heard this; absent: it never heard. */
  heard?: Outcome["kind"];
  heardAt?: number;
  retryAfterMs?: number;
}

export interface SimEffect {
  readonly at: number;
  readonly connection: string;
  readonly class: SinkClass;
  readonly delivery: string;
  readonly key: string;
  readonly kind: string;
  readonly action: string;
  readonly event: string;
  readonly lane: string;
}

export type Weather =
  | "ok"
  | "slow"
  | "busy"
  | "throttled"
  | "refused"
  | "unauthorized"
  | "timeout_effect"
  | "timeout"
  | "reset_effect"
  | "reset"
  | "down";

/** Out of a thousand attempts; the rest is `ok`. */
const climate: readonly (readonly [Weather, number])[] = [
  ["slow", 80],
  ["busy", 60],
  ["throttled", 30],
  ["refused", 12],
  ["unauthorized", 4],
  ["timeout_effect", 30],
  ["timeout", 25],
  ["reset_effect", 25],
  ["reset", 20],
];

export interface Outage {
  readonly connection: string;
  readonly from: number;
  readonly to: number;
}

export interface SimSinks {
  readonly sends: readonly SimSend[];
  readonly effects: readonly SimEffect[];
  /** Values the sink has for an entity: attributes, and `state`. */
  values(connection: string, lane: string): Readonly<Record<string, Json>>;
  lanes(connection: string): readonly string[];
  /** From now on all goes well. */
  heal(): void;
  open(connection: ConnectionModel, life: () => number): OpenSink;
}

export interface SimSinksOptions {
  readonly clock: SimClock;
  readonly dice: Dice;
  readonly outages: readonly Outage[];
  readonly classOf: (connection: ConnectionModel) => SinkClass;
  readonly onActivity: () => void;
  readonly trace: (line: string) => void;
}

interface Place {
  readonly values: Map<string, Record<string, Json>>;
  readonly versions: Map<string, number>;
  readonly keys: Set<string>;
}

export function createSimSinks(options: SimSinksOptions): SimSinks {
  const { clock, dice, trace } = options;
  const sends: SimSend[] = [];
  const effects: SimEffect[] = [];
  const places = new Map<string, Place>();
  const tries = new Map<string, number>();
  let healed = false;

  function placeOf(connection: string): Place {
    const known = places.get(connection);
    if (known !== undefined) return known;
    const fresh = { values: new Map(), versions: new Map(), keys: new Set<string>() };
    places.set(connection, fresh);
    return fresh;
  }

  function weatherOf(connection: string, key: string): Weather {
    const nth = (tries.get(`${connection} ${key}`) ?? 0) + 1;
    tries.set(`${connection} ${key}`, nth);
    if (healed) return "ok";
    const now = clock.now();
    if (options.outages.some((one) => one.connection === connection && one.from <= now && now < one.to)) return "down";
    let roll = dice.int(1, 1000, "weather", connection, key, nth);
    for (const [weather, share] of climate) {
      roll -= share;
      if (roll <= 0) return weather;
    }
    return "ok";
  }

  /** True: it had an effect now; false: the sink knew it, or knew better. */
  function apply(send: SimSend, data: JsonObject): "effect" | "repeated" | "superseded" {
    const place = placeOf(send.connection);
    if (send.class !== "plain") {
      if (place.keys.has(send.key)) return "repeated";
      place.keys.add(send.key);
    }
    const version = Number(data["version"]);
    const isUpsert = data["kind"] === "upsert";
    if (send.class === "exact" && isUpsert) {
      if (version < (place.versions.get(send.lane) ?? 0)) return "superseded";
      place.versions.set(send.lane, version);
    }
    if (isUpsert) {
      const values = place.values.get(send.lane) ?? {};
      Object.assign(values, data["attributes"]);
      if (data["state"] !== undefined) values["state"] = data["state"];
      place.values.set(send.lane, values);
    }
    effects.push({
      at: clock.now(),
      connection: send.connection,
      class: send.class,
      delivery: send.delivery,
      key: send.key,
      kind: String(data["kind"]),
      action: String(data["action"]),
      event: String(data["event"]),
      lane: send.lane,
    });
    options.onActivity();
    trace(`effect ${send.connection} ${send.delivery} ${send.lane}`);
    return "effect";
  }

  const later = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  const isOut = (signal: AbortSignal) =>
    new Promise<void>((resolve) =>
      signal.aborted ? resolve() : signal.addEventListener("abort", () => resolve(), { once: true }),
    );

  async function meet(
    send: SimSend,
    data: JsonObject,
    at: { signal: AbortSignal; timeoutMs: number },
  ): Promise<Outcome> {
    const about = ["effect", send.connection, send.key, send.attempt, send.at] as const;
    const done = (): Outcome => {
      const result = apply(send, data);
      return result === "effect" ? answer(200) : { kind: "delivered", status: 200, noEffect: result };
    };
    switch (send.weather) {
      case "ok":
        return done();
      case "slow":
        await later(dice.int(50, at.timeoutMs - 50, "slow", ...about));
        return at.signal.aborted ? lost("timeout") : done();
      case "busy":
        return answer(503);
      case "throttled": {
        const seconds = dice.int(1, 90, "throttled", ...about);
        send.retryAfterMs = seconds * 1_000;
        return answer(429, { "retry-after": String(seconds) });
      }
      case "refused":
        return answer(400);
      case "unauthorized":
        return answer(401);
      case "timeout_effect":
        clock.after(dice.int(0, at.timeoutMs - 100, "late", ...about), () => void apply(send, data));
        await isOut(at.signal);
        return lost("timeout");
      case "timeout":
        await isOut(at.signal);
        return lost("timeout");
      case "reset_effect":
        // The line is gone and the sink is still at it, until its own timeout.
        clock.after(dice.int(0, at.timeoutMs - 100, "late", ...about), () => void apply(send, data));
        return lost("reset");
      case "reset":
        return lost("reset");
      case "down":
        return dice.chance(0.5, "down", ...about)
          ? answer(503)
          : classifyFailure({ ok: false, sent: false, reason: "connect", detail: "refused" });
    }
  }

  return {
    sends,
    effects,
    values: (connection, lane) => placeOf(connection).values.get(lane) ?? {},
    lanes: (connection) => [...placeOf(connection).values.keys()],
    heal: () => {
      healed = true;
    },
    open(connection, life) {
      const sinkClass = options.classOf(connection);
      return {
        prepare: freeze,
        async send(request, context): Promise<Outcome> {
          const { data } = request;
          const send: SimSend = {
            at: clock.now(),
            connection: connection.name,
            class: sinkClass,
            delivery: String(data["delivery"]),
            key: context.idempotencyKey,
            attempt: context.attempt,
            lane: String(data["lane"]),
            life: life(),
            request: JSON.stringify(data),
            weather: weatherOf(connection.name, context.idempotencyKey),
          };
          sends.push(send);
          options.onActivity();
          trace(
            `send ${send.connection} ${send.delivery} ${send.lane} #${send.attempt} ${send.weather} ${send.request}`,
          );
          const outcome = await meet(send, data, { signal: context.signal, timeoutMs: connection.timeoutMs });
          if (send.life === life()) {
            send.heard = outcome.kind;
            send.heardAt = clock.now();
          }
          options.onActivity();
          return outcome;
        },
        close: async () => {},
      };
    },
  };
}

function answer(status: number, headers: Readonly<Record<string, string>> = {}): Outcome {
  const outcome = classifyAnswer(
    { ok: true, status, headers, body: "", truncated: false },
    { rules: [], retryAfter: [], now: 0 },
  );
  return outcome.kind === "refresh_auth" ? { kind: "pause", status, detail: outcome.detail } : outcome;
}

function lost(reason: "timeout" | "reset"): Outcome {
  return classifyFailure({ ok: false, sent: true, reason, detail: "no answer" });
}

function freeze(delivery: SinkDelivery): FrozenRequest {
  const attributes = Object.entries(delivery.attributes).map(([name, write]) => [
    name,
    "set" in write ? write.set : null,
  ]);
  const { entity } = delivery;
  return {
    summary: `${delivery.action} ${entity.type}/${entity.key}`,
    data: {
      delivery: delivery.id,
      lane: `${entity.type}/${entity.key}`,
      action: delivery.action,
      kind: delivery.kind,
      event: delivery.eventName,
      version: delivery.entityVersion,
      attributes: Object.fromEntries(attributes),
      params: delivery.params,
      ...(entity.state === undefined ? {} : { state: entity.state }),
    },
  };
}
