/** `auth:` of an `http` connection: credentials written in place, which a preset would name as settings. */
import {
  authSchema,
  closed,
  fail,
  flag,
  keyed,
  oneOf,
  type Preset,
  Secret,
  type Setting,
  type Settings,
  secretText,
  text,
} from "hookrail/plugin";
import { Type } from "typebox";
import { Value } from "typebox/value";

const maybe = Type.Optional;

/** What `auth:` may be. */
export const auth = Type.Union(
  [
    closed({
      kind: Type.Literal("basic", { description: "User name and password." }),
      user: text("User name."),
      password: maybe(secretText("Password.")),
    }),
    closed({
      kind: Type.Literal("bearer", { description: "A token in the header Authorization." }),
      token: secretText("The token."),
    }),
    closed({
      kind: Type.Literal("header", { description: "A value in a header of its own." }),
      header: text("Header name."),
      prefix: maybe(Type.String({ description: "Put before the value, e.g. `Token `." })),
      value: secretText("The value."),
    }),
    closed({
      kind: Type.Literal("query", { description: "A value in the query of the URL." }),
      parameter: text("Parameter name."),
      value: secretText("The value."),
    }),
    closed({
      kind: Type.Literal("body_field", { description: "A value in the body." }),
      field: text("Where in the body."),
      value: secretText("The value."),
    }),
    closed({
      kind: Type.Literal("hmac", { description: "A signature over the body." }),
      secret: secretText("The signing secret."),
      previous_secret: maybe(secretText("The secret before it, while it is changed: both sign.")),
      scheme: maybe(oneOf(["standard-webhooks", "custom"], "standard-webhooks by default.")),
      header: maybe(text("custom: header of the signature.")),
      prefix: maybe(Type.String({ description: "custom: before the signature." })),
      algorithm: maybe(oneOf(["sha256", "sha512", "sha1"], "custom: sha256 by default.")),
      encoding: maybe(oneOf(["hex", "base64"], "custom: hex by default.")),
    }),
    closed({
      kind: Type.Literal("oauth2", { description: "A token that is fetched and renewed." }),
      grant: maybe(
        oneOf(
          ["client_credentials", "refresh_token", "jwt_bearer"],
          "How a token is got; client_credentials by default.",
        ),
      ),
      token_url: text("Token endpoint."),
      client_id: maybe(text("Client id.")),
      client_secret: maybe(secretText("Client secret.")),
      client_auth: maybe(oneOf(["body", "basic"], "Where id and secret go; body by default.")),
      refresh_token: maybe(secretText("The refresh token, for grant refresh_token.")),
      scope: maybe(text("Scopes.")),
      params: maybe(keyed(Type.String(), "More fields of the token request, e.g. audience.")),
      jwt: maybe(
        closed(
          {
            private_key: secretText("Private key, PEM."),
            issuer: text("Issuer, `iss`."),
            subject: maybe(text("Subject, `sub`; the issuer when absent.")),
            audience: text("Audience, `aud`."),
            key_id: maybe(text("The key's id, `kid`.")),
            scope_claim: maybe(flag("The scope is a claim too (Google).")),
          },
          { description: "The assertion of grant jwt_bearer (RFC 7523), RS256." },
        ),
      ),
      prefix: maybe(Type.String({ description: "Before the token; `Bearer ` by default." })),
      host_from_token: maybe(text("Where the token answer names the host to send to.")),
    }),
    closed({
      kind: Type.Literal("sigv4", { description: "AWS Signature Version 4." }),
      region: text("AWS region."),
      service: text("Service name, e.g. execute-api."),
      access_key: secretText("Access key id."),
      secret_key: secretText("Secret access key."),
      session_token: maybe(secretText("Session token of temporary credentials.")),
    }),
  ],
  { description: "How requests are authenticated." },
);

/** Fields that a preset names as settings, by kind of place. */
const CREDENTIALS = new Set([
  "user",
  "password",
  "token",
  "value",
  "secret",
  "previous_secret",
  "client_id",
  "client_secret",
  "refresh_token",
  "region",
  "access_key",
  "secret_key",
  "session_token",
]);
const JWT_CREDENTIALS = new Set(["private_key", "issuer", "subject", "key_id"]);

/** What a preset would say, and the settings it would name. */
export function authOf(raw: Setting | undefined): {
  readonly spec: NonNullable<Preset["auth"]>;
  readonly credentials: Settings;
} {
  if (!isMap(raw)) return { spec: { kind: "none" }, credentials: {} };
  const credentials: Record<string, Setting> = {};
  const moved = (from: Settings, names: ReadonlySet<string>, prefix: string): Record<string, Setting> =>
    Object.fromEntries(
      Object.entries(from).map(([name, value]) => {
        if (!names.has(name)) return [name, value];
        credentials[`${prefix}${name}`] = value;
        return [name, `${prefix}${name}`];
      }),
    );
  const spec = moved(raw, CREDENTIALS, "auth_");
  if (isMap(spec["jwt"])) spec["jwt"] = moved(spec["jwt"], JWT_CREDENTIALS, "auth_jwt_");
  if (spec["kind"] === "oauth2") spec["grant"] ??= "client_credentials";
  const checked: unknown = spec;
  return {
    spec: Value.Check(authSchema, checked) ? checked : fail("HK5106", { name: "http", reason: "`auth` is not valid" }),
    credentials,
  };
}

function isMap(value: Setting | undefined): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Secret);
}

/** What a grant can not do without; none when `auth` is well. */
export function authFaults(raw: Setting | undefined): readonly string[] {
  if (!isMap(raw) || raw["kind"] !== "oauth2") return [];
  const grant = raw["grant"] ?? "client_credentials";
  const needed =
    grant === "jwt_bearer"
      ? ["jwt"]
      : grant === "refresh_token"
        ? ["client_id", grant]
        : ["client_id", "client_secret"];
  return needed.filter((name) => raw[name] === undefined).map((name) => `grant ${String(grant)} needs \`${name}\``);
}
