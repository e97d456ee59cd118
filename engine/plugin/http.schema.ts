/**
 * What presets and the `http` sink share: how a request is put together, authenticated, and how its answer is read.
 *
 * Expressions are JSONata over the scope `entity, attributes, fields, clear, event, delivery, params, settings, own, text`
 * (delivery/scope.ts). A template is text with `{expression}` parts; each part is percent-encoded where it stands in
 * a path or query.
 */
import { type Static, Type } from "typebox";
import { anyValue, closed, expressionText, flag, keyed, nameRef, oneOf, secretText, text } from "../core/schema.ts";
import type { Json } from "../core/types.ts";

/** Short for an optional key. */
export const maybe = Type.Optional;
/** A dot path into an answer or body. */
export const position = (description: string) => text(description, { "x-expects": "a dot path, e.g. errors.0.code" });

/** One setting of a connection, or one parameter of an action. */
export const fieldSchema = closed({
  type: maybe(
    oneOf(
      ["string", "integer", "number", "boolean", "map", "list", "duration", "expression", "expressions"],
      "What it holds; string by default.",
    ),
  ),
  description: text("What it is for, one sentence."),
  required: maybe(flag("It has to be given.")),
  secret: maybe(flag("It is a credential: never shown, referred to as ${NAME}.")),
  default: maybe(anyValue("What it is when not given.")),
  enum: maybe(Type.Array(Type.String(), { description: "The words it may be.", minItems: 1 })),
  pattern: maybe(text("A regular expression it must match.")),
  example: maybe(anyValue("For the reference page.")),
});

/** The name of a setting. */
export const settingName = (what: string) => nameRef(`Name of the setting that holds ${what}.`);
const oauthGrant = ["client_credentials", "refresh_token", "jwt_bearer"] as const;

/** How requests are authenticated; credentials are settings, by name. Resolved for each attempt, never frozen. */
export const authSchema = Type.Union([
  closed({ kind: Type.Literal("none") }, { description: "No authentication." }),
  closed(
    { kind: Type.Literal("basic"), user: settingName("the user name"), password: maybe(settingName("the password")) },
    { description: "HTTP Basic (RFC 7617)." },
  ),
  closed(
    { kind: Type.Literal("bearer"), token: settingName("the token") },
    { description: "Bearer token (RFC 6750)." },
  ),
  closed(
    {
      kind: Type.Literal("header"),
      header: text("Header name."),
      prefix: maybe(Type.String({ description: "Put before the value, e.g. `Klaviyo-API-Key `." })),
      value: settingName("the value"),
    },
    { description: "A header of the sink's own." },
  ),
  closed(
    {
      kind: Type.Literal("body_field"),
      field: position("Where in the body the credential goes."),
      value: settingName("the value"),
    },
    { description: "A credential inside the JSON body." },
  ),
  closed(
    {
      kind: Type.Literal("query"),
      parameter: text("Name of the query parameter."),
      value: settingName("the value"),
    },
    { description: "A credential in the query." },
  ),
  closed(
    { kind: Type.Literal("url"), url: settingName("the whole URL, which is the credential") },
    { description: "The URL itself is the secret." },
  ),
  closed(
    {
      kind: Type.Literal("oauth2"),
      grant: oneOf(oauthGrant, "How a token is got."),
      token_url: text("Template of the token endpoint."),
      client_id: maybe(settingName("the client id; not needed with grant jwt_bearer")),
      client_secret: maybe(settingName("the client secret")),
      refresh_token: maybe(settingName("the refresh token, for grant refresh_token")),
      client_auth: maybe(
        oneOf(["body", "basic"], "Where the client id and secret go (RFC 6749, section 2.3.1); body by default."),
      ),
      scope: maybe(text("Scopes, separated by spaces.")),
      params: maybe(keyed(Type.String(), "More fields of the token request, e.g. audience; templates.")),
      jwt: maybe(
        closed(
          {
            private_key: settingName("the private key, PEM (PKCS #8)"),
            issuer: settingName("the issuer, `iss`"),
            subject: maybe(settingName("the subject, `sub`; the issuer when absent")),
            audience: text("Template of the audience, `aud`."),
            key_id: maybe(settingName("the key's id, `kid`")),
            scope_claim: maybe(flag("The scope is a claim too (Google).")),
          },
          { description: "The signed assertion of grant jwt_bearer (RFC 7523), RS256; valid for 3 minutes." },
        ),
      ),
      prefix: maybe(Type.String({ description: "Before the token; `Bearer ` by default." })),
      host_from_token: maybe(position("Where the token answer names the host to send to, e.g. instance_url.")),
    },
    { description: "OAuth 2.0 (RFC 6749)." },
  ),
  closed(
    {
      kind: Type.Literal("hmac"),
      secret: settingName("the signing secret"),
      previous_secret: maybe(settingName("the secret before it, while it is changed: both sign")),
      scheme: maybe(oneOf(["standard-webhooks", "custom"], "standard-webhooks by default.")),
      header: maybe(text("custom: the header that carries the signature.")),
      prefix: maybe(Type.String({ description: "custom: before the signature, e.g. `sha256=`." })),
      algorithm: maybe(oneOf(["sha256", "sha512", "sha1"], "custom: sha256 by default.")),
      encoding: maybe(oneOf(["hex", "base64"], "custom: hex by default.")),
    },
    { description: "Signs the body." },
  ),
  closed(
    {
      kind: Type.Literal("sigv4"),
      region: settingName("the region"),
      service: text("Service name."),
      access_key: settingName("the access key"),
      secret_key: settingName("the secret key"),
      session_token: maybe(settingName("the session token of temporary credentials")),
    },
    { description: "AWS Signature Version 4." },
  ),
]);

/** Bodies are described this deep, so that each text in them is known for an expression; deeper ones are plain. */
const BODY_DEPTH = 5;

function bodyNode(depth: number): object {
  if (depth === 0) return {};
  const inner = bodyNode(depth - 1);
  const constant = {
    type: "object",
    properties: { value: { description: "A constant." } },
    required: ["value"],
    additionalProperties: false,
  };
  const part = {
    type: ["string", "number", "boolean", "null", "array", "object"],
    "x-expression": true,
    items: inner,
    additionalProperties: inner,
  };
  return { anyOf: [constant, part] };
}

/** A body: a mapping whose text leaves are expressions and `{ value: X }` a constant, or one expression. */
export const bodySchema = Type.Unsafe<Json>({
  ...bodyNode(BODY_DEPTH),
  description:
    "The body: a mapping whose text leaves are JSONata expressions and `{ value: X }` a constant, or one expression. A leaf that yields nothing is left out; a key `...` stands for all members of its value.",
  "x-expects": "a mapping of expressions, or one expression",
});

/** HTTP methods a sink may use. */
export const methodSchema = oneOf(["GET", "POST", "PUT", "PATCH", "DELETE"], "HTTP method.");
/** A mapping of templates. */
export const templates = (description: string) => keyed(Type.String(), description, { "x-template": true });

/** The parts of one request. */
export const requestParts = {
  method: maybe(methodSchema),
  path: maybe(
    text("Template of the path, e.g. /customers/{entity.key}; each {part} is percent-encoded and must not be empty.", {
      minLength: 0,
      "x-template": true,
    }),
  ),
  query: maybe(templates("Query parameters, templates; one that comes out empty is left out.")),
  headers: maybe(templates("Headers, templates.")),
  body: maybe(bodySchema),
  body_format: maybe(oneOf(["json", "form", "ndjson", "csv", "text"], "How the body is written; json by default.")),
  content_type: maybe(text("Content type, where it is not the format's own.")),
};

/** Settings every connection over HTTP takes. */
export const httpSettings = {
  base_url: maybe(text("Sends to this base URL instead of the sink's own: a proxy, a sandbox.", { format: "uri" })),
  attribute_names: maybe(keyed(Type.String({ minLength: 1 }), "What attributes are called there: ours -> theirs.")),
  templates: maybe(
    keyed(expressionText("The text."), "Message texts by name (`template:` of a deliver entry), JSONata."),
  ),
  extra_headers: maybe(keyed(secretText("Value."), "Headers sent with every request of this connection.")),
};

export type PresetField = Static<typeof fieldSchema>;
export type AuthSpec = Static<typeof authSchema>;
