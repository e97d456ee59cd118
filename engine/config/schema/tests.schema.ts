/** `tests:` of a pipeline: events in, and what must have come of them. As strict as the rest of the language. */
import { type Static, Type } from "typebox";
import { anyValue, closed, durationText, flag, keyed, named, nameRef, oneOf, text } from "../../core/schema.ts";

const maybe = Type.Optional;

export const testEventSchema = Type.Union(
  [
    nameRef("A sample event of the pipeline's provider, or of another one: `stripe/invoice.paid`."),
    closed({
      sample: maybe(nameRef("The sample event it starts from.")),
      file: maybe(text("A recorded event (`hookrail record`), instead of a sample.")),
      body: maybe(anyValue("A whole payload, instead of a sample; needs `type`.")),
      type: maybe(text("The event's type, with `body`.")),
      source: maybe(
        nameRef("The source it comes in by. Default: the pipeline's, or the one whose provider has the sample."),
      ),
      id: maybe(text("The provider's id. Default: a new one for each event.")),
      at: maybe(
        text("When it happened: +1m after the test's start, or an instant.", {
          pattern: "^([+-]\\d{1,9}(\\.\\d{1,6})?(ms|s|m|h|d)|\\d{4}-\\d{2}-\\d{2}T.*)$",
          "x-expects": "an offset such as +1m or +30d, or an instant such as 2026-12-04T00:00:00Z",
        }),
      ),
      delay: maybe(durationText("How long after it happened it arrives.")),
      times: maybe(Type.Integer({ minimum: 1, maximum: 100, description: "How often the same request arrives." })),
      set: maybe(keyed(anyValue("The value."), "Path -> value put into the payload.")),
      remove: maybe(Type.Array(text("A path."), { description: "Paths taken out of the payload." })),
      headers: maybe(keyed(text("The value."), "Headers of the request.")),
      signature: maybe(oneOf(["valid", "invalid", "missing"], "How it is signed. Default: valid.")),
    }),
  ],
  {
    description: "One event.",
    "x-expects": "the name of a sample event, or { sample: NAME, at: +1m, set: { path: value } }",
  },
);

const entityExpectation = Type.Union(
  [
    Type.Literal("absent", { description: "It is not there." }),
    Type.Literal("erased", { description: "It was there and is erased." }),
    keyed(anyValue("The value; null: blank."), "Attribute -> value; `state` -> its state. Others are not looked at."),
  ],
  { description: "What one entity must be.", "x-expects": "absent, erased, or attributes such as { tier: pro }" },
);

/** Keys of `expect:` that are not entities; entities may not be called like one of these. */
export const expectKeys = {
  outcomes: maybe(
    Type.Array(
      oneOf(
        ["delivered", "pending", "skipped", "held", "dead_letter", "duplicate", "rejected", "applied"],
        "An outcome.",
      ),
      { description: "The outcome of each event, in order." },
    ),
  ),
  sent: maybe(keyed(Type.Integer({ minimum: 0 }), "How often an event name or action was sent.")),
  deliveries: maybe(
    Type.Array(keyed(anyValue("The value."), "Keys of a delivery: to, action, entity, attributes, params."), {
      description: "Deliveries that must have been sent, in order.",
    }),
  ),
  refused: maybe(Type.Array(text("entity.attribute"), { description: "Protected attributes that were not lowered." })),
  kept: maybe(
    Type.Array(text("entity.attribute"), { description: "Attributes that were kept because something was missing." }),
  ),
  dead: maybe(
    Type.Array(Type.String({ pattern: "^HK\\d{4}$", "x-expects": "a code such as HK2301" }), {
      description: "Codes of the dead letters.",
    }),
  ),
  exact: maybe(flag("Entities that are not named must not be there. Default: false.")),
};

const answerSchema = Type.Union(
  [
    Type.Integer({ minimum: 100, maximum: 599, description: "A status." }),
    oneOf(["timeout", "reset"], "No answer."),
    closed({
      status: Type.Integer({ minimum: 100, maximum: 599, description: "The status." }),
      headers: maybe(keyed(text("Value."), "Headers.")),
      body: maybe(anyValue("Body.")),
    }),
  ],
  {
    description: "What the sink answers to one attempt.",
    "x-expects": "a status such as 503, timeout, reset, or { status, headers, body }",
  },
);

const fetchedSchema = named(
  keyed(anyValue("The object; null: there is none."), "Path, with its query -> what it gives."),
  "Connection -> what rules `fetch` over it. In tests nothing goes over the network.",
);

export const testSchema = closed(
  {
    name: text("What is proved, as a sentence."),
    description: maybe(text("Why.")),
    start: maybe(text("The instant the test starts at. Default: the first sample's own time.")),
    before: maybe(
      Type.Array(testEventSchema, { description: "Events that came earlier; their outcomes are not looked at." }),
    ),
    events: Type.Array(testEventSchema, { minItems: 1, description: "The events, in the order they happened." }),
    order: maybe(oneOf(["given", "any"], "any: in every order of arrival the same must come of it. Default: given.")),
    sinks: maybe(
      named(Type.Array(answerSchema, { minItems: 1 }), "Connection -> its answers, one by one; after the last, 200."),
    ),
    fetched: maybe(fetchedSchema),
    wait: maybe(durationText("How long the clock runs on after the last event. Default: until nothing is due.")),
    expect: Type.Object(expectKeys, {
      description: "What must be then: entities by name and key, and the keys below.",
      additionalProperties: keyed(entityExpectation, "Key -> what that entity must be."),
    }),
  },
  { description: "One test." },
);

export const traceSchema = closed(
  {
    name: text("What it is."),
    fetched: maybe(fetchedSchema),
    events: Type.Array(testEventSchema, { minItems: 1, maxItems: 7, description: "Events that belong together." }),
  },
  { description: "A trace: every order of arrival, with any one event twice, must end in the same state." },
);

/** A `*.test.yaml` beside the pipelines. */
export const testFileSchema = closed(
  {
    pipeline: nameRef("The pipeline that is tested."),
    tests: maybe(Type.Array(testSchema, { description: "More of its tests." })),
    traces: maybe(Type.Array(traceSchema, { description: "More of its traces." })),
  },
  { description: "Tests of a pipeline, in a file of their own." },
);

export type TestFileYaml = Static<typeof testFileSchema>;
export type TestYaml = Static<typeof testSchema>;
export type TestEventYaml = Static<typeof testEventSchema>;
export type TraceYaml = Static<typeof traceSchema>;
