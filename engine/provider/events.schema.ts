/** The grammar of what an event is: where its id, type, time and rank are, and what the provider is answered. */
import { type Static, Type } from "typebox";
import { anyValue, closed, durationText, flag, keyed, oneOf, oneOrMany, text } from "../core/schema.ts";

const refOrTemplate = (description: string) =>
  text(description, {
    "x-expects": "a reference such as body:id, or a template such as {header:x-event}.{body:action}",
  });

export const timeSchema = closed(
  {
    from: oneOrMany(
      refOrTemplate("A reference, e.g. `body:created`."),
      "Where it is; the first that is present counts.",
    ),
    unit: Type.Optional(oneOf(["s", "ms", "iso8601", "http_date"], "How it is written. Default `iso8601`.")),
  },
  { description: "When the event happened, by the provider's clock: orders events of one entity." },
);

/** `items`, `id`, `type`, `time`, `ranks` …: also written beside `signature:` for a home-made sender. */
export const eventsProperties = {
  body: Type.Optional(
    oneOf(
      ["auto", "json", "form", "json_lines", "xml"],
      "How the body is written. Default `auto`: by content type, JSON if that says nothing. XML elements become keys without their namespace prefix, repeated ones lists.",
    ),
  ),
  form_json_field: Type.Optional(text("A form field that holds the payload as JSON, e.g. `payload`.")),
  form_payload: Type.Optional(
    closed(
      {
        field: text("The form field, e.g. `bt_payload`."),
        encoding: Type.Optional(oneOf(["text", "base64"], "How it is written there. Default `text`.")),
        format: oneOf(["json", "xml"], "What it is."),
      },
      { description: "A form field that holds the payload: the long form of `form_json_field`." },
    ),
  ),
  items: Type.Optional(
    text(
      "Path of the list when one request carries many events; `.` when the body itself is the list. All paths below then start at the item; `header:` stays the request's.",
    ),
  ),
  id: Type.Optional(
    oneOrMany(
      refOrTemplate("A reference or template; `hash` for a hash of the body."),
      "The provider's id of the event; the first whose parts are all present. Default `hash`, which dedupes within a short window only.",
    ),
  ),
  type: Type.Optional(
    oneOrMany(
      refOrTemplate("A reference, a template, or `=NAME` for a constant."),
      "The event's type; the first whose parts are all present. Default `=event`.",
    ),
  ),
  time: Type.Optional(timeSchema),
  ranks: Type.Optional(
    Type.Array(oneOrMany(text("An event type; `*` stands for any text."), "Types of equal rank."), {
      description:
        "Event types from earlier to later: decides between events of one instant. The longest pattern counts; types not listed stand first.",
    }),
  ),
};

const conditionSchema = Type.Union(
  [
    text("The text it must equal."),
    closed({ exists: flag("Whether it must be there.") }),
    closed({ matches: text("A regular expression it must match as a whole; at most 256 characters are looked at.") }),
  ],
  { description: "What is expected there." },
);

export const handshakeSchema = closed(
  {
    name: text("What it is called, in `explain` and logs."),
    when: keyed(
      conditionSchema,
      "References and what they must be, e.g. `method: GET` or `body:type: url_verification`.",
    ),
    auth: Type.Optional(
      Type.Union(
        [
          oneOf(["none", "verify"], "`verify`: only a signed request is answered."),
          closed({
            token_equals: closed(
              {
                from: text("Where the sender shows its token, e.g. `query:hub.verify_token`."),
                param: text("The source's param it must equal."),
              },
              { description: "Whoever knows a token is answered." },
            ),
          }),
        ],
        { description: "Who is answered. Default `verify`." },
      ),
    ),
    reply: closed(
      {
        status: Type.Optional(Type.Integer({ minimum: 200, maximum: 299, description: "Default 200." })),
        headers: Type.Optional(keyed(text("A template."), "Headers of the reply.")),
        text: Type.Optional(text("A template, sent as text/plain.")),
        json: Type.Optional(anyValue("A template for each text in it, sent as JSON.")),
      },
      { description: "What is answered." },
    ),
    fetch: Type.Optional(
      closed(
        {
          url: text("Where the request names it, e.g. `body:SubscribeURL`."),
          hosts: Type.Array(text("A host, or a pattern with `*` for one label."), {
            minItems: 1,
            description: "Hosts it may lead to.",
          }),
        },
        {
          description:
            "A URL of the provider to call once the request is verified, to confirm a subscription; https only.",
        },
      ),
    ),
    store: Type.Optional(
      closed(
        { name: text("Name of the secret."), secret: text("Where it is, e.g. `header:x-hook-secret`.") },
        { description: "A secret to learn from this request." },
      ),
    ),
  },
  {
    description:
      "A question the provider asks before it sends events. The first that matches is answered, and nothing is stored.",
  },
);

export const ackSchema = closed(
  {
    status: Type.Optional(Type.Integer({ minimum: 200, maximum: 299, description: "Default 200." })),
    body: Type.Optional(Type.String({ description: "Exact body. Default: empty." })),
    content_type: Type.Optional(text("Its content type.")),
    refused_body: Type.Optional(
      Type.String({ description: "Exact body of a 401, if the provider looks at it (Xero wants it empty)." }),
    ),
  },
  { description: "What the provider demands to hear for an accepted event, if a plain 2xx will not do." },
);

export const deliverySchema = closed(
  {
    deadline: Type.Optional(durationText("How long the provider waits for an answer.")),
    retries: Type.Optional(
      Type.Array(durationText("A gap."), { description: "Gaps between its retries, where they are published." }),
    ),
    retries_for: Type.Optional(durationText("How long it keeps trying.")),
    dedupe_window: Type.Optional(durationText("How long an id may come again: the least that ids are remembered.")),
    ordering: Type.Optional(oneOf(["none", "per_entity", "sequence"], "What order it promises. Default `none`.")),
    retry_header: Type.Optional(text("Header that counts its retries.")),
    stop_status: Type.Optional(
      Type.Array(Type.Integer(), {
        description: "Statuses that make it stop or disable the endpoint: never answered.",
      }),
    ),
  },
  {
    description:
      "How the provider delivers: shown by `docs` and used by checks; it changes nothing at run time but the dedupe window.",
  },
);

export type EventsYaml = Static<ReturnType<typeof eventsSchema>>;
export type HandshakeYaml = Static<typeof handshakeSchema>;

/** `events:` of a recipe. */
export function eventsSchema() {
  return closed(
    {
      ...eventsProperties,
      entity: Type.Optional(
        closed(
          {
            type: text("What it is, e.g. `customer`."),
            id: text("Where its id is, e.g. `body:data.object.customer`."),
          },
          { description: "What the event is about, for documentation." },
        ),
      ),
      tenant: Type.Optional(text("Where the account or shop is named.")),
      version: Type.Optional(text("Where a version or sequence number of the entity is.")),
      thin: Type.Optional(flag("The event names what changed and carries no data.")),
    },
    { description: "What an event is and where its parts are." },
  );
}
