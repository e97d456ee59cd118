/**
 * The grammar of a declarative sink: `plugins/sinks/NAME.yaml`. One definition gives validation, types, the editors'
 * schema and the reference page; its parts are in http.schema.ts.
 */
import { type Static, Type } from "typebox";
import {
  closed,
  durationText,
  expressionText,
  flag,
  keyed,
  named,
  nameRef,
  oneOf,
  rateText,
  text,
} from "../core/schema.ts";
import { batchSchema, itemsSchema, responseSchema, retryAfterSchema } from "./answers.schema.ts";
import {
  authSchema,
  bodySchema,
  fieldSchema,
  maybe,
  methodSchema,
  position,
  requestParts,
  settingName,
  templates,
} from "./http.schema.ts";

const namePattern = (description: string) => text(description, { "x-expects": "a regular expression" });

/** One action of a sink. */
export const actionSchema = closed({
  kind: maybe(
    oneOf(["upsert", "effect"], "upsert writes attributes and may be merged; effect never is. effect by default."),
  ),
  summary: maybe(text("What it does, one sentence.")),
  params: maybe(named(fieldSchema, "Fields a deliver entry gives this action.")),
  ...requestParts,
  attributes_at: maybe(
    Type.String({
      description:
        "Dot path in the body where the attributes lie; empty for the whole body. No other key may appear there than the delivery's attributes and `also`.",
    }),
  ),
  also: maybe(
    Type.Array(Type.String(), {
      description: "Keys allowed beside the attributes; `{settings.NAME}` is the key that a setting names.",
    }),
  ),
  identity: maybe(
    Type.Array(expressionText("Must not be empty, or nothing is sent."), {
      description: "What tells the record apart.",
    }),
  ),
  idempotency: maybe(
    closed(
      {
        header: maybe(text("Header that carries the key.")),
        max_length: maybe(
          Type.Integer({ minimum: 8, description: "Longest key the sink takes; a longer one is hashed." }),
        ),
      },
      { description: "How the sink is told the idempotency key." },
    ),
  ),
  steps: maybe(
    closed(
      {
        lookup: closed(
          {
            ...requestParts,
            found: position("Where the answer has the record's id; with `*` all that match: more than one is refused."),
          },
          { description: "Finds the record." },
        ),
        create: closed(requestParts, { description: "When nothing was found." }),
        update: closed(requestParts, { description: "When it was found; `found` is its id, in path, query and body." }),
      },
      { description: "Find, then create or update: for sinks without an upsert. At most these two requests." },
    ),
  ),
  responses: maybe(Type.Array(responseSchema, { description: "Rules of this action, before those of the sink." })),
  items: maybe(itemsSchema),
  batch: maybe(batchSchema),
  replay: maybe(
    oneOf(
      ["safe", "dedup_key", "unsafe"],
      "Whether the same request may be sent twice: it converges, the sink knows the key, or it acts twice.",
    ),
  ),
  order: maybe(
    closed(
      {
        guard: oneOf(
          ["timestamp", "if_unmodified", "if_match", "where", "none"],
          "How the sink itself refuses late writes.",
        ),
        field: maybe(text("The field or header.")),
      },
      { description: "The sink's own guard against late writes." },
    ),
  ),
});

/** A preset file. */
export const presetSchema = closed({
  sink: nameRef("Name of the sink; the file's name."),
  summary: text("What it is, one sentence."),
  docs: maybe(text("Where the vendor documents it.")),
  verified_on: maybe(text("When the facts here were last checked, as a date.")),
  guarantee: maybe(
    oneOf(
      ["exactly_once_effect", "once_within_window", "at_least_once"],
      "What the sink promises; at_least_once by default.",
    ),
  ),
  idempotency_window: maybe(durationText("How long the sink remembers an idempotency key.")),
  settings: maybe(named(fieldSchema, "Settings of a connection.")),
  host: maybe(
    text("Template of the base URL, e.g. https://{settings.region}.example.com; `base_url` of a connection wins.", {
      "x-template": true,
    }),
  ),
  hosts: maybe(
    closed(
      { by: settingName("which of the hosts to use"), urls: keyed(Type.String(), "Base URL by value.") },
      { description: "Base URLs by region or the like." },
    ),
  ),
  auth: maybe(authSchema),
  headers: maybe(templates("Headers of every request.")),
  content_type: maybe(text("Content type of every request.")),
  clear: maybe(
    oneOf(
      ["null", "empty", "list", "none"],
      'How an attribute is blanked: null, "", by name in a list (`clear` in scope), or not at all. null by default.',
    ),
  ),
  absent: maybe(oneOf(["keep"], "What a missing key does at the sink; a sink that blanks it can not be used.")),
  types: maybe(
    closed(
      {
        boolean: maybe(oneOf(["json", "text"], 'true or "true".')),
        number: maybe(oneOf(["json", "text"], '7 or "7".')),
        time: maybe(
          oneOf(
            ["iso", "iso_seconds", "epoch_seconds", "epoch_millis", "epoch_millis_text", "date"],
            "How times are written; iso by default, which has milliseconds: iso_seconds leaves them out.",
          ),
        ),
        structured: maybe(
          oneOf(
            ["json", "text", "none"],
            "Lists and objects: as they are, as JSON text, or not at all: `check` then refuses them.",
          ),
        ),
      },
      { description: "How values are written." },
    ),
  ),
  names: maybe(
    Type.Union(
      [
        namePattern("A regular expression."),
        closed({
          by: settingName("what each entity is there, such as `objects`"),
          patterns: keyed(namePattern("A regular expression."), "What an entity is there -> the regular expression."),
        }),
      ],
      {
        description:
          "A regular expression that names of attributes must match there, or one for each kind of record; `check` asks for `attribute_names` where a name does not.",
      },
    ),
  ),
  max_value_bytes: maybe(Type.Integer({ minimum: 1, description: "Longest text the sink stores without cutting it." })),
  limits: maybe(
    Type.Array(
      closed({
        rate: rateText("How many in which time."),
        scope: maybe(oneOf(["account", "key", "endpoint", "concurrency"], "What it counts.")),
        cost: maybe(Type.Integer({ minimum: 1, description: "How much one request counts for. Default: 1." })),
      }),
      { description: "The sink's own limits; `rate` of a connection wins." },
    ),
  ),
  concurrency: maybe(Type.Integer({ minimum: 1, maximum: 64, description: "Requests at one time." })),
  responses: maybe(Type.Array(responseSchema, { description: "Ordered rules over answers, before the common ones." })),
  retry_after: maybe(
    Type.Array(retryAfterSchema, {
      description: "Where an answer says how long to wait; the first that is there counts.",
    }),
  ),
  redact: maybe(
    closed(
      {
        url: maybe(flag("The URL is a secret.")),
        paths: maybe(Type.Array(Type.String(), { description: "Body paths never shown." })),
      },
      { description: "What is never shown." },
    ),
  ),
  probe: maybe(
    closed(
      { method: methodSchema, path: text("Template of the path.", { "x-template": true }), body: maybe(bodySchema) },
      { description: "A harmless call, for `check --online`." },
    ),
  ),
  default_action: nameRef("The action when a deliver entry names none."),
  actions: named(actionSchema, "What a pipeline can ask for."),
});

export type Preset = Static<typeof presetSchema>;
export type PresetAction = Static<typeof actionSchema>;
export type RequestParts = Pick<
  PresetAction,
  "method" | "path" | "query" | "headers" | "body" | "body_format" | "content_type"
>;
