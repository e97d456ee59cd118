/** Finds the signatures in a request and takes them apart; and the other way round, writes them for `sign`. */
import { decodeBase64, decodeBase64Url, decodeHex } from "./bytes.ts";
import type { RejectReason } from "./model.ts";
import { type Env, readText } from "./render.ts";
import type { SchemeModel, SignatureEncoding, SignatureParse, SignaturePlace } from "./scheme.ts";

/** More than any provider sends while it rotates; a header with hundreds is an attempt to make us work. */
const MAX_SIGNATURES = 32;
const MAX_PATTERN_HEADERS = 100;

/** The signatures as text, any of which may match, and the other parts of their header. */
export type Signatures =
  | { readonly ok: true; readonly candidates: readonly string[]; readonly parts: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly reason: RejectReason; readonly detail?: string };

/** Reads all places of a scheme. */
export function findSignatures(scheme: SchemeModel, env: Env): Signatures {
  const candidates: string[] = [];
  const parts = new Map<string, string>();
  let present = false;
  for (const place of scheme.places) {
    for (const text of placeTexts(place, env)) {
      present = true;
      const found = takeApart(text.trim(), scheme.parse, parts, env);
      if (found !== undefined) candidates.push(...found);
    }
  }
  if (!present) {
    if (env.reading.bodyFault) return { ok: false, reason: "body_malformed" };
    return { ok: false, reason: "signature_missing", detail: scheme.places.map(placeName).join(", ") };
  }
  if (candidates.length === 0)
    return { ok: false, reason: "signature_malformed", detail: `expected ${expectedForm(scheme.parse)}` };
  if (candidates.length > MAX_SIGNATURES)
    return { ok: false, reason: "signature_malformed", detail: `${candidates.length} signatures` };
  return { ok: true, candidates, parts };
}

function placeTexts(place: SignaturePlace, env: Env): readonly string[] {
  if (place.kind !== "header_pattern") {
    const text = readText(place, env);
    return text === undefined || text === "" ? [] : [text];
  }
  const texts: string[] = [];
  for (let n = 1; n <= MAX_PATTERN_HEADERS; n++) {
    const text = env.reading.header(`${place.before}${n}${place.after}`);
    if (text !== undefined) texts.push(text);
  }
  return texts;
}

/** A place as the recipe writes it. */
export function placeName(place: SignaturePlace): string {
  if (place.kind === "header_pattern") return `header ${place.before}{n}${place.after}`;
  if (place.kind === "body") return `body ${place.path}`;
  return "name" in place ? `${place.kind} ${place.name}` : place.kind;
}

/** Signatures in one text; undefined when it is not written as the recipe says. */
function takeApart(
  text: string,
  parse: SignatureParse,
  parts: Map<string, string>,
  env: Env,
): readonly string[] | undefined {
  switch (parse.kind) {
    case "raw":
      return [text];
    case "prefix":
      return startsWith(text, parse.prefix) ? [text.slice(parse.prefix.length).trim()] : undefined;
    case "kv":
      return takePairs(text, parse, parts);
    case "list": {
      const entries = text.split(parse.sep).map((entry) => splitOnce(entry.trim(), parse.field));
      return entries.flatMap(([name, value]) => (name === parse.pick && value !== "" ? [value] : []));
    }
    case "positional": {
      const fields = text.split(parse.sep).map((field) => field.trim());
      const timestamp = parse.timestamp === undefined ? undefined : fields[parse.timestamp];
      if (timestamp !== undefined) parts.set("timestamp", timestamp);
      return fields.slice(parse.signatures).filter((field) => field !== "");
    }
    case "pairs": {
      const wanted = readText(parse.selectBy, env);
      const pairs = text.split(parse.item).map((pair) => splitOnce(pair.trim(), parse.field));
      return pairs.flatMap(([name, value]) => (wanted !== undefined && name === wanted && value !== "" ? [value] : []));
    }
  }
}

/** Authentication schemes such as `Bearer ` are written in either case (RFC 9110, 11.1). */
function startsWith(text: string, prefix: string): boolean {
  if (!prefix.endsWith(" ")) return text.startsWith(prefix);
  return text.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
}

/** A part other than the signatures that stands twice (two `t=`) is refused: which one was signed? */
function takePairs(
  text: string,
  parse: Extract<SignatureParse, { kind: "kv" }>,
  parts: Map<string, string>,
): readonly string[] | undefined {
  const signatures: string[] = [];
  for (const pair of text.split(parse.item)) {
    const [name, value] = splitOnce(pair.trim(), parse.field);
    if (name === parse.pick) signatures.push(value);
    else if (parts.has(name)) return undefined;
    else parts.set(name, value);
  }
  return signatures;
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function expectedForm(parse: SignatureParse): string {
  switch (parse.kind) {
    case "raw":
      return "a signature";
    case "prefix":
      return `${parse.prefix}SIGNATURE`;
    case "kv":
      return `NAME${parse.field}VALUE pairs separated by \`${parse.item}\`, with a ${parse.pick}`;
    case "list":
      return `${parse.pick}${parse.field}SIGNATURE entries`;
    case "positional":
      return `fields separated by \`${parse.sep}\``;
    case "pairs":
      return `KEY${parse.field}SIGNATURE for our key`;
  }
}

/** Bytes of a signature; undefined when it is not written in its encoding. */
export function decodeSignature(text: string, encoding: SignatureEncoding): Buffer | undefined {
  switch (encoding) {
    case "hex":
      return decodeHex(text);
    case "base64":
      return decodeBase64(text);
    case "base64url":
      return decodeBase64Url(text);
    case "text":
      return Buffer.from(text);
  }
}

/** What stands beside a signature in its header. */
export interface BesideSignature {
  readonly timestamp: string;
  readonly keyId: string;
  readonly parts: ReadonlyMap<string, string>;
}

/** The text a sender would write for a signature; the timestamp goes where the header carries one. */
export function writeSignature(scheme: SchemeModel, signature: string, beside: BesideSignature): string {
  const { timestamp, keyId } = beside;
  const { parse } = scheme;
  switch (parse.kind) {
    case "raw":
      return signature;
    case "prefix":
      return parse.prefix + signature;
    case "kv": {
      const from = scheme.timestamp?.from;
      const stamp = from?.kind === "part" ? [`${from.name}${parse.field}${timestamp}`] : [];
      const others = [...beside.parts].map(([name, value]) => `${name}${parse.field}${value}`);
      return [...stamp, ...others, `${parse.pick}${parse.field}${signature}`].join(parse.item);
    }
    case "list":
      return `${parse.pick}${parse.field}${signature}`;
    case "positional": {
      const fields = Array<string>(parse.signatures).fill("");
      if (parse.timestamp !== undefined) fields[parse.timestamp] = timestamp;
      return [...fields, signature].join(parse.sep);
    }
    case "pairs":
      return `${keyId}${parse.field}${signature}`;
  }
}
