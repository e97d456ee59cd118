/** The grammar of a provider recipe (`plugins/providers/NAME.yaml`), joined from its slices. */
import { type Static, Type } from "typebox";
import { anyValue, closed, flag, keyed, NAME_PATTERN, named, oneOf, sizeText, text } from "../core/schema.ts";
import { ackSchema, deliverySchema, eventsProperties, eventsSchema, handshakeSchema } from "./events.schema.ts";
import { signatureSliceSchema, verifyEntrySchema } from "./verify.schema.ts";

export const sampleSchema = closed(
  {
    name: text("Its name, the event type where possible: `hookrail send stripe/invoice.paid`."),
    description: Type.Optional(text("What it shows.")),
    headers: Type.Optional(
      keyed(text("The value."), "Headers the provider sends with it, besides signature, id and time."),
    ),
    body: Type.Optional(anyValue("The payload.")),
    file: Type.Optional(text("A JSON file with the payload, relative to the recipe.")),
  },
  { description: "A sample event." },
);

const acceptSchema = closed(
  {
    methods: Type.Optional(
      Type.Array(oneOf(["GET", "HEAD", "POST", "PUT"], "A method."), {
        description: "Default POST; handshakes add what they need.",
      }),
    ),
    content_types: Type.Optional(
      Type.Array(text("A media type, e.g. `application/json`."), {
        description: "What the provider sends, for documentation and `check`.",
      }),
    ),
    max_body: Type.Optional(sizeText("Largest body the provider sends.")),
    content_encodings: Type.Optional(
      Type.Array(oneOf(["gzip", "deflate", "br"], "A content coding."), {
        description: "Codings its bodies may come in. Default: none.",
      }),
    ),
  },
  { description: "What requests look like." },
);

const paramSchema = closed(
  {
    description: text("What it is and where to find it."),
    required: Type.Optional(flag("Whether a source must give it. Default false.")),
    secret: Type.Optional(flag("Whether it is a credential. Default false.")),
  },
  { description: "A setting of the source that this recipe reads as `param:NAME`." },
);

/** A whole recipe. Closed: a key it does not know is an error. */
export const recipeSchema = closed(
  {
    provider: Type.String({
      pattern: NAME_PATTERN,
      description: "The name sources use; equals the file's name.",
      "x-expects": "a name",
    }),
    title: text("The provider's own name."),
    description: Type.Optional(text("What its events are good for.")),
    docs: Type.Optional(
      Type.Array(closed({ url: text("A page."), about: text("What it says.") }), {
        description: "Where the facts come from.",
      }),
    ),
    confidence: Type.Optional(
      closed(
        {
          signature: oneOf(
            ["sdk", "page", "general"],
            "How the signature is known: tried against the official SDK, read on the provider's page, or from general knowledge.",
          ),
          delivery: oneOf(["sdk", "page", "general"], "How identity and delivery are known."),
        },
        { description: "How far the facts can be trusted." },
      ),
    ),
    accept: Type.Optional(acceptSchema),
    params: Type.Optional(named(paramSchema, "Settings a source may give besides `secrets:`.")),
    verify: Type.Array(verifyEntrySchema, {
      minItems: 1,
      description:
        "How requests prove where they come from; any entry may pass (an old and a new scheme side by side).",
    }),
    handshake: Type.Optional(
      Type.Array(handshakeSchema, { description: "Questions the provider asks; the first that matches is answered." }),
    ),
    events: Type.Optional(eventsSchema()),
    ack: Type.Optional(ackSchema),
    delivery: Type.Optional(deliverySchema),
    root: Type.Optional(
      text("The `root:` that most pipelines want, e.g. `data.object`: the default of sources that name none."),
    ),
    times: Type.Optional(
      oneOf(
        ["seconds", "millis", "iso"],
        "How times are written inside its payloads: the default of the source's `times:`.",
      ),
    ),
    samples: Type.Optional(Type.Array(sampleSchema, { description: "Events for `send` and `tests:`." })),
  },
  { description: "A provider recipe: how to verify, identify and answer one kind of sender." },
);
export type RecipeYaml = Static<typeof recipeSchema>;

/** What a home-made sender may write in its source, beside `path`, `secrets` and `root`. */
export const inlineRecipeProperties = {
  signature: signatureSliceSchema,
  ...eventsProperties,
  handshake: Type.Optional(
    Type.Array(handshakeSchema, { description: "Questions the sender asks before it sends events." }),
  ),
  ack: Type.Optional(ackSchema),
  samples: Type.Optional(Type.Array(sampleSchema, { description: "Sample events, for `tests:`." })),
};
export const inlineRecipeSchema = closed(inlineRecipeProperties);
export type InlineRecipeYaml = Static<typeof inlineRecipeSchema>;
