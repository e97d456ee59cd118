/**
 * The grammar of signatures: one entry of a recipe's `verify:`, which is also what the author of a pipeline
 * writes under `signature:` for a home-made sender.
 */
import { type Static, Type } from "typebox";
import { closed, durationText, flag, keyed, oneOf, oneOrMany, text } from "../core/schema.ts";
import { signatureSchemes } from "../plugin/scheme.ts";
import { keyFromSchema, ref, template } from "./key-from.schema.ts";

const parseSchema = closed(
  {
    prefix: Type.Optional(text("Text in front of the signature, e.g. `sha256=`. Without it the header is malformed.")),
    kv: Type.Optional(
      closed(
        {
          item: text("What separates the pairs, e.g. `,`."),
          field: text("What separates name and value, e.g. `=`."),
          pick: text("Name of the pairs that are signatures, e.g. `v1`; any of them may match."),
        },
        { description: "Pairs in one header, as `t=1492774577,v1=5257a8…`. The others are readable as `part:NAME`." },
      ),
    ),
    list: Type.Optional(
      closed(
        {
          sep: Type.String({ minLength: 1, description: "What separates the entries, e.g. a space." }),
          field: text("What separates version and signature, e.g. `,`."),
          pick: text("Version whose entries are signatures, e.g. `v1`; any of them may match."),
        },
        { description: "Versioned entries in one header, as `v1,K5oZ… v1,9aF…` (Standard Webhooks)." },
      ),
    ),
    positional: Type.Optional(
      closed(
        {
          sep: text("What separates the fields, e.g. `,`."),
          timestamp: Type.Optional(
            Type.Integer({ minimum: 0, description: "Index of the timestamp, from 0: readable as `part:timestamp`." }),
          ),
          signatures: Type.Integer({
            minimum: 0,
            description: "Index of the first signature; all after it are signatures too.",
          }),
        },
        { description: "Fields by position, as `1492774577000,5257a8…,9af0…`." },
      ),
    ),
    pairs: Type.Optional(
      closed(
        {
          item: text("What separates the pairs, e.g. `&`."),
          field: text("What separates key id and signature, e.g. `|`."),
          select_by: ref("The key id whose signature counts, e.g. `param:public_key_id`."),
        },
        { description: "Key id and signature in pairs, as `pubkey|5257a8…` (Braintree)." },
      ),
    ),
  },
  {
    description: "How the signature stands in what `from` names. One key; the bare value when left out.",
    maxProperties: 1,
  },
);

const signatureSchema = closed(
  {
    from: oneOrMany(
      ref("Where it is; `header_pattern:x-signature-{n}` reads -1, -2, … up to 100."),
      "Where the signature is. With several places, any that is present may match.",
    ),
    parse: Type.Optional(parseSchema),
    encoding: Type.Optional(
      oneOf(
        ["hex", "base64", "base64url", "text"],
        "How the bytes are written: strict, hex in either case. Default `hex`; `text` for tokens.",
      ),
    ),
    format: Type.Optional(oneOf(["der", "ieee_p1363"], "Layout of an ECDSA signature. Default `der`.")),
  },
  { description: "Where the signature is and how it is written." },
);

const messagePartSchema = Type.Union(
  [
    template("Literal text and references in braces."),
    closed({
      form_sorted: closed(
        { dedupe: Type.Optional(flag("Equal values of one name count once.")) },
        { description: "All form fields as name and value, sorted by name (Twilio, Mandrill)." },
      ),
    }),
    closed({
      field_lines: Type.Array(text("A top-level field; with `?` behind it, left out when absent."), {
        description: "`Name`, newline, value, newline for each field (Amazon SNS).",
      }),
    }),
    closed({
      join_fields: closed(
        {
          sep: text("What goes between the values."),
          paths: Type.Array(text("A body path."), { description: "Body paths in order; absent ones are empty." }),
        },
        { description: "Values of body paths, joined (Adyen)." },
      ),
    }),
    closed({
      first_item: text(
        "Path of a list (`.`: the body): its first item, written anew as JSON (Segment). The items behind it are signed by nobody.",
      ),
    }),
    closed({
      signed_headers: closed(
        {
          list_from: ref("The list of header names, e.g. `part:h`."),
          list_sep: Type.Optional(Type.String({ description: "Separator in that list. Default: a space." })),
          sep: Type.String({ description: "What goes between the headers." }),
          must_list: Type.Optional(
            Type.Array(text("A header."), {
              description: "Headers that list must name, or the request is refused: whatever decides anything.",
            }),
          ),
          form: Type.Optional(oneOf(["values", "name_value"], "`values`, or `name:value`. Default `values`.")),
        },
        { description: "The headers the request itself lists as signed (Hook0, Contentful)." },
      ),
    }),
    closed({
      url: closed(
        {
          form: Type.Optional(
            oneOf(
              ["registered", "received"],
              "`registered`: the source's `url` param as written; `received`: the same with the query of the request. Default `registered`.",
            ),
          ),
          port_variants: Type.Optional(
            flag("The URL may have been signed with or without its port: both are tried (Twilio)."),
          ),
          percent_decode: Type.Optional(
            Type.Array(text("An escape, e.g. `%3A`."), { description: "Escapes of the URL to undo first." }),
          ),
        },
        { description: "The URL the sender was given." },
      ),
    }),
  ],
  { description: "One piece of what is signed." },
);

const keySchema = closed(
  {
    encoding: Type.Optional(
      oneOf(["utf8", "base64", "hex", "pem"], "How the secret is written. Default `utf8`: its text as it is."),
    ),
    strip_prefix: Type.Optional(text("Text to cut off the secret before decoding, e.g. `whsec_`.")),
    require_prefix: Type.Optional(
      flag("Whether secrets without the prefix are left alone, as they belong to another scheme. Default false."),
    ),
    derive: Type.Optional(oneOf(["none", "sha1", "nfkd"], "What is done to the secret before use. Default `none`.")),
  },
  { description: "How a secret becomes the key." },
);

const claimsSchema = closed(
  {
    alg: Type.Array(
      oneOf(["HS256", "HS384", "HS512", "ES256", "RS256", "EdDSA"], "An allowed algorithm; any other is refused."),
      { minItems: 1, description: "Algorithms a token may use." },
    ),
    iss: Type.Optional(template("The issuer that is demanded.")),
    aud: Type.Optional(template("The audience that is demanded.")),
    max_age: Type.Optional(durationText("How old `iat` may be.")),
    exp: Type.Optional(
      oneOf(["required", "optional"], "Whether `exp` must be there; where it is, it counts. Default `required`."),
    ),
    body_hash: Type.Optional(
      closed(
        {
          claim: text("Claim that holds the body's SHA-256."),
          encoding: oneOf(["hex", "base64"], "How it is written."),
        },
        { description: "Ties the token to the body. Without it the token covers no body." },
      ),
    ),
    url_hash: Type.Optional(
      closed(
        {
          claim: text("Claim that holds the URL's SHA-256."),
          encoding: oneOf(["hex", "base64"], "How it is written."),
        },
        { description: "Ties the token to the `url` param." },
      ),
    ),
  },
  { description: "What a JWT must say." },
);

const timestampSchema = closed(
  {
    from: ref("Where it is: `header:NAME`, `part:NAME`, `body:PATH` or `claim:NAME`."),
    unit: Type.Optional(oneOf(["s", "ms", "iso8601", "http_date"], "How it is written. Default `s`.")),
    past: Type.Optional(durationText("How old it may be. Default 5m.")),
    future: Type.Optional(durationText("How far ahead it may be: SDKs often forget this side. Default 5m.")),
  },
  { description: "The signed time of sending, against replays. It must be part of what is signed." },
);

/** The properties of one entry of `verify:`. */
export const verifyEntrySchema = closed(
  {
    scheme: oneOf(
      signatureSchemes,
      "`hmac` and friends sign; `token` and `basic` only know a secret; `none` lets anyone in and is flagged by `check`. Besides these: the schemes in code of plugins/schemes/, by name.",
    ),
    algorithm: Type.Optional(oneOf(["sha1", "sha256", "sha384", "sha512"], "Hash function. Default `sha256`.")),
    header: Type.Optional(text("Short for `signature: { from: header:NAME }`.")),
    prefix: Type.Optional(text("Short for `signature: { parse: { prefix: TEXT } }`.")),
    encoding: Type.Optional(oneOf(["hex", "base64", "base64url"], "Short for `signature: { encoding: … }`.")),
    signature: Type.Optional(signatureSchema),
    key: Type.Optional(keySchema),
    key_from: Type.Optional(keyFromSchema),
    message: Type.Optional(
      oneOrMany(messagePartSchema, "What is signed, byte for byte, never re-serialised. Default `{raw_body}`."),
    ),
    per_item: Type.Optional(
      text("Path of a list: each item carries a signature of its own, and body paths start at the item."),
    ),
    claims: Type.Optional(claimsSchema),
    require: Type.Optional(
      keyed(
        Type.Union(
          [
            text("The text it must equal, or a template."),
            Type.Number(),
            Type.Boolean(),
            closed({ exists: flag("Whether it must be there.") }),
            closed({ matches: text("A regular expression it must match as a whole, up to 256 characters.") }),
          ],
          { description: "The text it must equal, a template, or a condition." },
        ),
        'References that must have fixed values, e.g. `header:box-signature-version: "1"`. For requests where they have not, the entry does not count.',
      ),
    ),
    timestamp: Type.Optional(timestampSchema),
  },
  { description: "One way to prove that a request is from the provider." },
);
export type VerifyEntryYaml = Static<typeof verifyEntrySchema>;

/** `signature:` of a home-made sender. */
export const signatureSliceSchema = oneOrMany(
  verifyEntrySchema,
  'How this sender signs. Short: `{ scheme: hmac, header: x-signature, prefix: "sha256=" }`. A list: any of them may pass.',
);
