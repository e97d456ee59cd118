/** Where the key of a signature comes from: a slice of the grammar of signatures. */
import { Type } from "typebox";
import { closed, keyed, oneOrMany, text } from "../core/schema.ts";

/** Where something stands in a request. */
export const ref = (description: string) =>
  text(description, { "x-expects": "a reference such as header:x-signature, body:data.id or query:token" });
/** Text with what a request holds. */
export const template = (description: string) =>
  text(description, { "x-expects": "a template such as {timestamp}.{raw_body}" });

export const keyFromSchema = closed(
  {
    param: Type.Optional(text("A param of the source that holds the key (PEM, base64 or a JWK).")),
    handshake_store: Type.Optional(text("A secret learned in a handshake, by its name there.")),
    cert_url: Type.Optional(
      closed(
        {
          from: ref("Where the request names its certificate."),
          hosts: Type.Array(text("A host, or a pattern with `*` for one label, e.g. `sns.*.amazonaws.com`."), {
            minItems: 1,
            description: "Hosts a certificate may come from.",
          }),
          path_suffix: Type.Optional(text("What the path must end in, e.g. `.pem`.")),
          chain: Type.Optional(
            closed(
              {
                subject: oneOrMany(text("A host name."), "The host name it must be made out to, or one of several."),
                issuers_from: Type.Optional(
                  Type.Array(text("A host."), {
                    minItems: 1,
                    description:
                      "Where a certificate that the answer lacks on the way up may be fetched, from the place that the one below it names (its authority information access); the chain has to hold all the same.",
                  }),
                ),
              },
              {
                description:
                  "It must lead up to a public certificate authority, be made out to this name and be in its term. Default: whatever the listed host serves counts, as long as it is in its term.",
              },
            ),
          ),
        },
        { description: "A certificate named by the request; https only. The param `certificate` stands in for it." },
      ),
    ),
    jwks: Type.Optional(
      closed(
        {
          url: template("Where the key set is."),
          post: Type.Optional(
            keyed(
              text("A template; `{claim:kid}` is the id of the key that is asked for."),
              "Ask for one key by its id, with a POST of these fields as JSON (Plaid).",
            ),
          ),
          key_at: Type.Optional(text("Where in the answer the key or key set is. Default: the answer is it.")),
          expired_at: Type.Optional(
            text("Where in the key its end is written, unix seconds: after it the key does not count."),
          ),
        },
        {
          description:
            "A JSON Web Key Set; the key is picked by the token's `kid`, where there is no token all are tried. https only. The param `jwks` stands in for it.",
        },
      ),
    ),
  },
  { description: "Where the key comes from, if not from `secrets:`.", minProperties: 1, maxProperties: 1 },
);
