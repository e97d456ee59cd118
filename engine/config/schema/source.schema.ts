/** A source: named in `config.yaml`, or written inline in the one pipeline that uses it. */
import { type Static, Type } from "typebox";
import {
  closed,
  durationText,
  flag,
  keyed,
  nameRef,
  oneOf,
  rateText,
  secretText,
  sizeText,
  text,
} from "../../core/schema.ts";
import { inlineRecipeProperties } from "../../provider/recipe.schema.ts";

const maybe = Type.Optional;
const date = (description: string) =>
  text(description, {
    pattern: "^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2}))?$",
    "x-expects": "a date such as 2027-01-31, or an instant such as 2027-01-31T12:00:00Z",
  });

const secretEntry = Type.Union(
  [
    secretText("The signing secret."),
    closed({
      secret: secretText("The signing secret."),
      until: maybe(date("Not accepted from this instant on: the end of a rotation.")),
      not_before: maybe(date("Not accepted before this instant.")),
    }),
  ],
  {
    description: "One secret.",
    "x-expects": 'a reference such as ${NAME}, or { secret: "${NAME}", until: 2027-01-31 }',
  },
);

/** What both kinds of senders take. */
const common = {
  path: text("Path of the endpoint, exactly as senders call it.", {
    pattern: "^/[A-Za-z0-9._~!$&'()*+,;=:@/-]*$",
    "x-expects": "a path such as /hooks/stripe",
  }),
  description: maybe(text("What sends here.")),
  secrets: maybe(
    Type.Array(secretEntry, {
      description: "Secrets that are accepted, the current one first; several while rotating.",
    }),
  ),
  params: maybe(
    keyed(secretText("Its value.", { "x-secret": false }), "Settings the recipe asks for besides secrets."),
  ),
  root: maybe(
    text("Path below which expressions read, e.g. data.object. Default: the recipe's, else the whole body.", {
      pattern: "^[A-Za-z_][\\w-]*(\\.[A-Za-z_][\\w-]*)*$",
      "x-expects": "a dot path such as data.object",
    }),
  ),
  times: maybe(
    oneOf(["seconds", "millis", "iso"], "How payload numbers become times. Default: the recipe's, else iso."),
  ),
  max_body: maybe(sizeText("Largest body. Default: the provider's, else server.limits.max_body.")),
  rate: maybe(rateText("Verified requests taken; above it senders get 429. Default: no bound.")),
  networks: maybe(
    Type.Array(text("An address or a range such as 10.0.0.0/8."), {
      minItems: 1,
      description:
        "Only requests from these networks are looked at; others get 401. Behind a proxy name it in server.trusted_proxies.",
    }),
  ),
  dedupe: maybe(
    closed(
      {
        window: maybe(durationText("How long an event id is remembered. Default: the provider's, at least 7d.")),
        hash_window: maybe(durationText("How long a body is remembered where there is no id. Default: 10m.")),
      },
      { description: "Repeats within the window are answered and not applied again." },
    ),
  ),
  max_ahead: maybe(
    durationText(
      "How far ahead of receipt an event's time may lie and still move a version. Default: 5m, 24h for whole-second clocks.",
    ),
  ),
  heartbeat: maybe(
    durationText(
      "Something comes at least this often: silence for longer is an alert. Default: learned from past weeks.",
    ),
  ),
  keep_headers: maybe(Type.Array(text("A header name."), { description: "Headers stored beside the body." })),
  enabled: maybe(flag("False: the endpoint is not served. Default: true.")),
};

/** Keys of a home-made sender; `time` and `type` come with the recipe grammar. */
export const sourceSchema = closed(
  {
    ...common,
    provider: maybe(nameRef("The recipe: a file in plugins/providers/. Needed unless `signature` is given.")),
    ...inlineRecipeProperties,
    signature: maybe(inlineRecipeProperties.signature),
  },
  {
    description:
      "An endpoint: a path, who sends to it, and the secrets they sign with. Either `provider` or `signature`.",
  },
);

export type SourceYaml = Static<typeof sourceSchema>;
export type SecretYaml = Static<typeof secretEntry>;
