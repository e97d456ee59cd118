/** One document of `pipelines/*.yaml`: what one team does with the events of one source. */
import { type Static, Type } from "typebox";
import {
  closed,
  durationText,
  flag,
  later,
  NAME_PATTERN,
  nameRef,
  oneOf,
  percentText,
  text,
} from "../../core/schema.ts";
import { deliverSchema } from "../../delivery/deliver.schema.ts";
import { holdSchema, ruleProperties } from "../../mapping/mapping.schema.ts";
import { movedSchema } from "./installation.schema.ts";
import { sourceSchema } from "./source.schema.ts";
import { testSchema, traceSchema } from "./tests.schema.ts";

const maybe = Type.Optional;

const contractSchema = Type.Union(
  [
    text("A version in pipelines/contracts/PROVIDER/.", { "x-expects": "a contract version" }),
    closed({
      version: text("The version that holds."),
      next: maybe(later(text("A version that runs beside it: mismatches are logged and change nothing."))),
      unknown_version: maybe(
        oneOf(
          ["accept", "reject"],
          "What to do with events of a version that no contract of the provider declares, by its `shown_by`. reject: a dead letter. Default: accept, counted as drift.",
        ),
      ),
    }),
  ],
  { description: "The payload's contract: pipelines/contracts/PROVIDER/VERSION.yaml." },
);

export const slaSchema = closed(
  {
    lag: maybe(durationText("Receipt to last delivery done. Default: 60s.")),
    objective: maybe(percentText("Share of events within it. Default: 99%.")),
  },
  { description: "What the team promises; retries and alerts follow from it." },
);

const ruleDeliver = maybe(
  Type.Array(deliverSchema, { description: "Deliveries of this rule, before the pipeline's." }),
);

export const ruleSchema = closed(
  { ...ruleProperties, deliver: ruleDeliver },
  { description: "What to do with an event type. Top to bottom; only the first rule that matches is used." },
);

export const pipelineSchema = closed(
  {
    pipeline: Type.String({
      pattern: NAME_PATTERN,
      description: "Its name.",
      "x-expects": "a name of lower-case letters, digits, `.`, `_` and `-`",
    }),
    description: maybe(text("What it does, in a line.")),
    owner: nameRef("The team that answers for it."),
    runbook: maybe(text("What to do when it alerts: a file or URL.")),
    source: Type.Union([nameRef("A source of config.yaml."), sourceSchema], {
      description: "Where its events come from.",
      "x-expects": "the name of a source, or { path, provider, secrets }",
    }),
    enabled: maybe(flag("False: it takes no events. Default: true.")),
    sla: maybe(slaSchema),
    contract: maybe(contractSchema),
    hold: maybe(holdSchema),
    rules: Type.Array(ruleSchema, {
      minItems: 1,
      description: "Top to bottom; only the first rule that matches an event is used.",
    }),
    deliver: maybe(Type.Array(deliverSchema, { description: "Deliveries of all rules." })),
    traces: maybe(
      Type.Array(traceSchema, {
        description:
          "Event sequences that must end in the same state in every order; `hookrail check` and `test` prove it.",
      }),
    ),
    tests: maybe(Type.Array(testSchema, { description: "What it must do; `hookrail test` runs them." })),
    moved: maybe(movedSchema),
  },
  { description: "A pipeline." },
);

export type PipelineYaml = Static<typeof pipelineSchema>;
export type RuleYaml = Static<typeof ruleSchema>;
