/** How an answer is read, in presets and the `http` sink: what it means, how long to wait, results per item of a batch. */
import { type Static, Type } from "typebox";
import { anyValue, closed, durationText, flag, oneOf, text } from "../core/schema.ts";
import { maybe, position } from "./http.schema.ts";

const conditions = {
  status: maybe(
    Type.Union([Type.String(), Type.Integer(), Type.Array(Type.Union([Type.String(), Type.Integer()]))], {
      description: "A status (404), a class (2xx) or a range (500-504), or a list of them.",
      "x-expects": "a status such as 404, 2xx or 500-504, or a list",
    }),
  ),
  body: maybe(
    closed(
      {
        path: maybe(position("Dot path into the JSON answer; `*` takes every element. The whole text when absent.")),
        equals: maybe(anyValue("The value is this.")),
        in: maybe(Type.Array(anyValue("One of these."), { description: "The value is one of these." })),
        matches: maybe(text("A regular expression the value matches.")),
        exists: maybe(flag("Something (or nothing) is there.")),
      },
      { description: "What the answer's body must say." },
    ),
  ),
  header: maybe(
    closed(
      { name: text("Header name."), equals: maybe(text("Its value.")), matches: maybe(text("A regular expression.")) },
      { description: "What a header must say." },
    ),
  ),
};

/** What an answer can mean. */
export const answerClasses = [
  "delivered",
  "repeated",
  "permanent",
  "retry",
  "throttle",
  "refresh_auth",
  "pause",
  "dead_and_pause",
  "unknown",
  "per_item",
] as const;

/** One rule over answers; the first that matches decides, before the rules every sink has. */
export const responseSchema = closed({
  ...conditions,
  as: oneOf(answerClasses, "What such an answer means."),
  wait: maybe(durationText("How long to wait where the answer does not say.")),
  reason: maybe(position("Where the answer's body says why, for people.")),
});

/** Where an answer says how long to wait. */
export const retryAfterSchema = closed({
  header: maybe(text("Header name.")),
  body: maybe(position("Dot path into the JSON answer, in place of a header.")),
  form: oneOf(
    ["http", "seconds", "date", "epoch_seconds", "epoch_millis", "millis", "seconds_or_epoch"],
    "How the wait is written; http is seconds or a date (RFC 9110), seconds_or_epoch tells them apart by size.",
  ),
});

/** Where a batch answer tells items apart. */
export const itemsSchema = closed(
  {
    path: position("Where the list of item results is; `*` takes every element on the way."),
    lists: maybe(
      oneOf(
        ["all", "failed"],
        "all: an item without a result is unknown; failed: it went well. `all` when ok, error, status or succeeded is given, else `failed`.",
      ),
    ),
    ok: maybe(position("A member that is true for items that succeeded.")),
    error: maybe(position("A member that is there for items that failed.")),
    status: maybe(position("A member that holds a status as HTTP has it: 429 and 5xx are tried again.")),
    code: maybe(position("The member that names the fault.")),
    index: maybe(
      position("The member that holds the item's index, from 0; by position when neither this nor `id` is given."),
    ),
    id: maybe(
      position(
        "The member that holds the item's id (with `*`: the ids of several); an empty path: the result itself is the id.",
      ),
    ),
    item_id: maybe(position("Where in an item as it was sent that id is.")),
    succeeded: maybe(
      Type.Array(Type.String(), { description: "Codes of items that went well, where every result has a code." }),
    ),
    retry: maybe(Type.Array(Type.String(), { description: "Codes that are tried again; the others are permanent." })),
    repeated: maybe(
      Type.Array(Type.String(), { description: "Codes that say that the item was there already: nothing to do." }),
    ),
  },
  { description: "Results per item of a batch answer." },
);

/** Several deliveries of an action in one request. */
export const batchSchema = closed(
  {
    path: Type.String({
      description:
        "Dot path in the body of the list of items; empty when the body is the list. A request for one delivery holds a list of one there, and requests that are otherwise equal are joined.",
    }),
    max_items: Type.Integer({ minimum: 2, maximum: 1000, description: "Most items of one request." }),
    max_bytes: maybe(Type.Integer({ minimum: 1, description: "Most bytes of one request's body." })),
    max_item_bytes: maybe(
      Type.Integer({ minimum: 1, description: "Most bytes of one item; a longer one is refused before it is sent." }),
    ),
    flush: maybe(durationText("How long the first waits for others; 0ms by default: what is due goes.")),
    group_by: maybe(
      oneOf(
        ["key_set", "none"],
        "key_set (default): only items with the same keys share a request, so that none blanks what another lacks. none: where the sink reads each item alone.",
      ),
    ),
    unique: maybe(position("Where in an item lies what may be in a request only once, e.g. its id.")),
  },
  { description: "Several deliveries of this action in one request. Of one entity never more than one is in it." },
);

export type ResponseRule = Static<typeof responseSchema>;
export type AnswerClass = (typeof answerClasses)[number];
export type RetryAfterSpec = Static<typeof retryAfterSchema>;
export type BatchSpec = Static<typeof batchSchema>;
export type ItemsSpec = Static<typeof itemsSchema>;
