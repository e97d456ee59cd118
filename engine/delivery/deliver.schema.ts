/** The slices of the language this room owns: entries of `deliver:`, and the keys every connection takes. */
import { type Static, type TSchema, Type } from "typebox";
import {
  anyValue,
  closed,
  durationText,
  expressionText,
  flag,
  NAME_PATTERN,
  nameRef,
  oneOf,
  oneOrMany,
  rateText,
  text,
} from "../core/schema.ts";
import type { SinkDescriptor } from "../plugin/index.ts";

const maybe = Type.Optional;

/** The keys any `deliver:` entry takes; those of its action come beside them. */
export const deliverCommon = {
  to: nameRef("The connection."),
  action: maybe(nameRef("What to do there; the sink's default action when absent.")),
  entity: maybe(nameRef("The entity it is about; every entity the event touched when absent.")),
  name: maybe(text("Tells two entries apart that agree in all else.", { pattern: NAME_PATTERN })),
  event: maybe(text("What the event is called at the sink, for actions such as `track`.")),
  on_change: maybe(
    Type.Array(nameRef("An attribute."), {
      minItems: 1,
      description: "Only when one of these attributes changed; an upsert then sends only these.",
    }),
  ),
  on_enter: maybe(oneOrMany(nameRef("A state."), "Only when the entity enters one of these states.")),
  from: maybe(
    oneOrMany(
      nameRef("A state, or unknown."),
      "With on_enter: only when it comes from one of these states. `unknown`, the state of an entity not seen before, counts only when it is named.",
    ),
  ),
  once: maybe(
    Type.Union([Type.Literal(true), Type.Array(expressionText("A path of the payload."), { minItems: 1 })], {
      description: "true: once in the entity's life; a list of paths: once for each value of them.",
      "x-expects": "true, or a list of paths such as [id, attempt_count]",
    }),
  ),
  when: maybe(expressionText("Only when this is true; reads the payload, and entities as $customer.tier.")),
  not_after: maybe(expressionText("Not sent when this instant has passed, e.g. trial_end.")),
  fields: maybe(Type.Array(nameRef("An attribute."), { minItems: 1, description: "Only these attributes are sent." })),
};

/**
 * One entry of `deliver:`. The keys of actions differ by sink and are checked in `compileDeliver`; the schema lets
 * them through.
 */
export const deliverSchema = Type.Object(deliverCommon, {
  description: "One thing to do in one connection.",
  additionalProperties: anyValue("A field of the action: a constant, or { from: EXPRESSION }."),
});

const retrySchema = closed(
  {
    schedule: maybe(
      Type.Array(durationText("A delay."), {
        minItems: 1,
        maxItems: 100,
        description: "The delays, one by one; after the last one the delivery is a dead letter.",
      }),
    ),
    base: maybe(durationText("First delay; sla.lag/30 by default.")),
    cap: maybe(durationText("Longest delay; 5 x sla.lag by default, at most 15m.")),
    horizon: maybe(durationText("How long to go on; 72h by default, or 0.9 of the sink's idempotency window.")),
  },
  { description: "When failed attempts are tried again." },
);

const breakerSchema = closed(
  {
    failures: maybe(
      Type.Integer({ minimum: 1, maximum: 1000, description: "Failures in a row that open it; 5 by default." }),
    ),
    open_for: maybe(
      durationText("How long nothing is sent before one attempt probes; 30s by default, doubled up to 5m."),
    ),
    enabled: maybe(flag("False switches it off.")),
  },
  { description: "Stops sending to a sink that is down, so that no attempts are burned." },
);

const limits = {
  rate: maybe(rateText("At most so many requests; the sink's own limit by default.")),
  concurrency: maybe(Type.Integer({ minimum: 1, maximum: 256, description: "Requests at one time; 8 by default." })),
  timeout: maybe(durationText("How long one attempt may take; 30s by default.")),
  retry: maybe(retrySchema),
  breaker: maybe(breakerSchema),
  at_most_once: maybe(
    flag("An attempt without an answer is not repeated but becomes a dead letter: for mail and chat."),
  ),
  allow_private: maybe(flag("May connect to private and loopback addresses.")),
};

/** The keys every connection takes, whatever its sink. */
export const connectionCommon = {
  sink: nameRef("The kind of sink: a file in plugins/sinks/."),
  description: maybe(text("What it is for.")),
  owner: maybe(nameRef("The team that looks after it.")),
  ...limits,
  environments: maybe(
    Type.Record(oneOf(["production", "staging", "dev"], "An environment."), anyValue("Settings that differ there."), {
      description: "Settings that differ by environment; they win over the ones beside them.",
    }),
  ),
};

/** The closed schema of a connection of this sink. */
export function connectionSchema(sink: SinkDescriptor): TSchema {
  const own = sink.config as TSchema & { properties?: Record<string, TSchema>; required?: readonly string[] };
  return {
    type: "object",
    description: sink.summary,
    properties: {
      ...own.properties,
      ...connectionCommon,
      sink: Type.Literal(sink.name, { description: sink.summary }),
    },
    required: ["sink", ...(own.required ?? [])],
    additionalProperties: false,
  };
}

/** An entry as its schema has accepted it; fields of the action come as they are. */
export type DeliverEntry = Static<typeof deliverSchema> & { readonly [param: string]: unknown };
export type RetrySettings = Static<typeof retrySchema>;
export type BreakerSettings = Static<typeof breakerSchema>;
