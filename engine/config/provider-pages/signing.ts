/** How a provider signs, in words: each entry of its recipe's `verify:`. */
import type { VerifyEntryYaml } from "../../provider/verify.schema.ts";
import { bullets, code, codes, listOf } from "./words.ts";

/** One list for each way to verify. */
export function signingMarkdown(entries: readonly VerifyEntryYaml[]): string {
  const [only] = entries;
  if (only !== undefined && entries.length === 1) return bullets(entryLines(only));
  const told = entries.map((entry, index) => `Way ${index + 1}:\n\n${bullets(entryLines(entry))}`);
  return `Any of ${entries.length} may pass.\n\n${told.join("\n\n")}`;
}

/** The method in a few words, e.g. `HMAC-SHA256`. */
export function methodOf({ scheme, algorithm = "sha256", key_from }: VerifyEntryYaml): string {
  const hash = algorithm.toUpperCase();
  switch (scheme) {
    case "hmac":
      return `HMAC-${hash}`;
    case "hash":
      return `${hash} hash`;
    case "ed25519":
      return "Ed25519";
    case "ecdsa_p256":
      return "ECDSA P-256";
    case "rsa":
      return `RSA-${hash}${key_from?.cert_url === undefined ? "" : ", certificate"}`;
    case "jwt":
      return `JWT${key_from?.jwks === undefined ? "" : ", key set"}`;
    case "token":
      return "token";
    case "basic":
      return "HTTP Basic";
    case "none":
      return "none";
  }
}

/** Whether what is sent is signed at all: a token or a password only shows that the sender knows it. */
export const signs = ({ scheme }: VerifyEntryYaml) => !["token", "basic", "none"].includes(scheme);

/** Whether a request is only good for a while. */
export const hasAge = ({ timestamp, claims }: VerifyEntryYaml) =>
  timestamp !== undefined || claims?.max_age !== undefined || (claims !== undefined && claims.exp !== "optional");

function entryLines(entry: VerifyEntryYaml): readonly string[] {
  if (entry.scheme === "none") return ["Nothing is signed, and nobody is asked who they are."];
  const lines = [`**Method**: ${methodOf(entry)}, ${placeOf(entry)}.`];
  if (signs(entry)) lines.push(`**What is signed**: ${signedOf(entry)}`);
  else lines.push("**What is signed**: nothing. It shows that the sender knows the secret, over HTTPS only.");
  lines.push(`**Key**: ${keyOf(entry)}`);
  if (entry.claims !== undefined) lines.push(`**The token must say**: ${claimsOf(entry.claims)}.`);
  if (signs(entry)) lines.push(`**Age**: ${ageOf(entry)}`);
  const conditions = Object.entries(entry.require ?? {}).map(([ref, wanted]) => `${code(ref)} ${conditionOf(wanted)}`);
  if (conditions.length > 0) lines.push(`**Counts only where** ${conditions.join(", and ")}.`);
  return lines;
}

function placeOf(entry: VerifyEntryYaml): string {
  const { signature, header, scheme } = entry;
  if (scheme === "basic") return "in the `authorization` header";
  const from = header === undefined ? listOf(signature?.from) : [`header:${header}`];
  const encoding = signature?.encoding ?? entry.encoding;
  const written = scheme === "jwt" || scheme === "token" || encoding === "text" ? "" : `, in ${encoding ?? "hex"}`;
  const format = signature?.format === undefined ? "" : ` (${signature.format})`;
  return `in ${codes(from, "or")}${written}${format}${parseOf(entry)}`;
}

function parseOf({ signature, prefix }: VerifyEntryYaml): string {
  const { prefix: own = prefix, kv, list, positional, pairs } = signature?.parse ?? {};
  if (own !== undefined) return `, behind ${code(own)}`;
  if (kv !== undefined)
    return `, as pairs such as ${code(`t=…${kv.item}${kv.pick}${kv.field}…`)}: any ${code(kv.pick)} may match`;
  if (list !== undefined) return `, as ${code(`${list.pick}${list.field}…`)}: any ${code(list.pick)} may match`;
  if (positional !== undefined)
    return `, in fields split by ${code(positional.sep)}, from field ${positional.signatures + 1} on: any may match`;
  if (pairs !== undefined)
    return `, as ${code(`key id${pairs.field}signature`)}: the pair of ${code(pairs.select_by)} counts`;
  return "";
}

function signedOf(entry: VerifyEntryYaml): string {
  if (entry.scheme === "jwt") {
    const { body_hash: body, url_hash: url } = entry.claims ?? {};
    const hashes = [...(body === undefined ? [] : ["the body"]), ...(url === undefined ? [] : ["the URL"])];
    return hashes.length === 0
      ? "the token only. The body is signed by nobody: HTTPS only."
      : `the token, which carries a hash of ${hashes.join(" and of ")}.`;
  }
  const parts = listOf(entry.message ?? "{raw_body}")
    .map(partOf)
    .join(", then ");
  return entry.per_item === undefined ? `${parts}.` : `each item of ${code(entry.per_item)} by itself: ${parts}.`;
}

type MessagePart = Exclude<NonNullable<VerifyEntryYaml["message"]>, readonly unknown[]>;

function partOf(part: MessagePart): string {
  if (typeof part === "string") return part === "{raw_body}" ? "the body, byte for byte" : code(part);
  if ("form_sorted" in part) return "all form fields, name and value, sorted by name";
  if ("field_lines" in part) return `the fields ${codes(part.field_lines)}, each as a line of name and one of value`;
  if ("join_fields" in part)
    return `the values of ${codes(part.join_fields.paths)}, joined by ${code(part.join_fields.sep)}`;
  if ("first_item" in part) return "the first event of the body, written anew as JSON";
  if ("signed_headers" in part) return `the headers that ${code(part.signed_headers.list_from)} names`;
  const { form = "registered", port_variants: ports, percent_decode: escapes } = part.url;
  const query = form === "received" ? " with the query of the request" : " as it is registered";
  const undone = escapes === undefined ? "" : ", some of its escapes undone";
  return `the URL${query}${undone}${ports === true ? ", with or without its port" : ""}`;
}

function keyOf({ key_from: from, key, scheme }: VerifyEntryYaml): string {
  if (from?.param !== undefined) return `the param ${code(from.param)}.`;
  if (from?.handshake_store !== undefined)
    return "told by the provider in its handshake. It counts once a person has accepted it: `hookrail secrets list`.";
  if (from?.cert_url !== undefined)
    return `a certificate that ${code(from.cert_url.from)} names, from ${codes(from.cert_url.hosts, "or")} only; it is fetched and kept, or given as the param \`certificate\`.`;
  if (from?.jwks !== undefined)
    return `the provider's key set at ${code(from.jwks.url)}, fetched and kept, or given as the param \`jwks\`.`;
  if (scheme === "token") return "the secret is the token.";
  if (scheme === "basic") return "the secret is `user:password`.";
  return secretFormOf(key);
}

const SECRET_FORMS = {
  utf8: "its text is the key",
  base64: "base64, decoded",
  hex: "hex, decoded",
  pem: "a key in PEM",
} as const;

function secretFormOf({ encoding = "utf8", strip_prefix: prefix, require_prefix: only, derive }: KeyYaml = {}): string {
  const cut =
    prefix === undefined
      ? ""
      : `; ${code(prefix)} in front is cut off${only === true ? ", and secrets without it are not used" : ""}`;
  const derived = derive === "sha1" ? "; the SHA-1 of it is what signs" : derive === "nfkd" ? "; as Unicode NFKD" : "";
  return `the secret: ${SECRET_FORMS[encoding]}${cut}${derived}.`;
}
type KeyYaml = NonNullable<VerifyEntryYaml["key"]>;

function claimsOf(claims: NonNullable<VerifyEntryYaml["claims"]>): string {
  const { alg, iss, aud, max_age: age, exp = "required" } = claims;
  return [
    `\`alg\` ${codes(alg, "or")}`,
    ...(iss === undefined ? [] : [`\`iss\` ${code(iss)}`]),
    ...(aud === undefined ? [] : [`\`aud\` ${code(aud)}`]),
    ...(age === undefined ? [] : [`\`iat\` at most ${age} ago`]),
    exp === "required" ? "an `exp` that has not come" : "where it has an `exp`, one that has not come",
  ].join(", ");
}

const UNITS = { s: "seconds", ms: "milliseconds", iso8601: "ISO 8601", http_date: "an HTTP date" } as const;

function ageOf(entry: VerifyEntryYaml): string {
  const { timestamp } = entry;
  if (timestamp === undefined)
    return hasAge(entry)
      ? "as the token says."
      : "no time is signed. A request sent again is known by its event id or content, within the dedupe window.";
  const { from, unit = "s", past = "5m", future = "5m" } = timestamp;
  return `${code(from)} (${UNITS[unit]}) may be at most ${past} old and ${future} ahead.`;
}

type Wanted = NonNullable<VerifyEntryYaml["require"]>[string];

function conditionOf(wanted: Wanted): string {
  if (typeof wanted !== "object") return `is ${code(String(wanted))}`;
  if ("exists" in wanted) return wanted.exists ? "is there" : "is not there";
  return `matches ${code(wanted.matches)}`;
}
