/** Fills templates and builds the bytes that were signed: from the request as received, never from parsed data. */
import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Secret } from "../core/secret.ts";
import { paramText, type Reading, scalarText } from "./reading.ts";
import type { MessagePart } from "./scheme.ts";
import type { Hole, Ref, Template, TemplateFunction } from "./template.ts";

/** What references can see. */
export interface Env {
  readonly reading: Reading;
  readonly params: Readonly<Record<string, string | Secret>>;
  /** The timestamp's text as sent. */
  readonly timestamp?: string | undefined;
  /** Other parts of the signature header, for `part:NAME`. */
  readonly parts?: ReadonlyMap<string, string> | undefined;
  /** Claims of a verified token, for `claim:NAME`. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** For `{secret}` and the hmac functions. */
  readonly secret?: string | undefined;
  /** The secret as the bytes of a key, where the recipe derives one. */
  readonly key?: Buffer | undefined;
  /** Which form of the port a URL is taken with, for `port_variants`. */
  readonly port?: "with" | "without";
}

export type Chunk = string | Uint8Array;

/** Bytes as they were signed, or the name of what was not there. */
export type Message =
  | { readonly ok: true; readonly chunks: readonly Chunk[] }
  | { readonly ok: false; readonly missing: string };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
const NOT_ASCII = /[^\x00-\x7f]/;

/** Node reads header bytes as latin1: only there does text have to go back to bytes. */
function headerChunk(text: string | undefined): Chunk | undefined {
  return text !== undefined && NOT_ASCII.test(text) ? Buffer.from(text, "latin1") : text;
}

/** The value of one reference; undefined when it is not there. */
export function readRef(ref: Ref, env: Env): Chunk | undefined {
  const { reading } = env;
  switch (ref.kind) {
    case "header":
      return headerChunk(reading.header(ref.name));
    case "query":
      return reading.query(ref.name);
    case "form":
      return reading.form().get(ref.name) ?? undefined;
    case "body":
      return scalarText(reading.body(ref.path)) ?? (ref.optional ? "" : undefined);
    case "part":
      return env.parts?.get(ref.name);
    case "param":
      return paramText(env.params, ref.name);
    case "claim": {
      const value = env.claims !== undefined && Object.hasOwn(env.claims, ref.name) ? env.claims[ref.name] : undefined;
      return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
    }
    default:
      return readBareRef(ref.kind, env);
  }
}

function readBareRef(
  kind: Extract<
    Ref,
    {
      readonly kind:
        | "raw_body"
        | "secret"
        | "url"
        | "method"
        | "path"
        | "target"
        | "query_string"
        | "timestamp"
        | "received_url";
    }
  >["kind"],
  env: Env,
): Chunk | undefined {
  const { request } = env.reading;
  switch (kind) {
    case "raw_body":
      return request.body;
    case "timestamp":
      return env.timestamp;
    case "method":
      return request.method;
    case "path":
      return request.path;
    case "target":
      return request.target;
    case "query_string":
      return request.query;
    case "url":
      return paramText(env.params, "url");
    case "received_url":
      return receivedUrl(env);
    case "secret":
      return env.secret;
  }
}

/**
 * The registered URL with the query of the request. Neither the Host header nor the path is taken from the request: a
 * sender may write what it likes there, and a proxy may have changed the path on the way.
 */
function receivedUrl(env: Env): string | undefined {
  const registered = paramText(env.params, "url");
  if (registered === undefined) return undefined;
  const { query, target } = env.reading.request;
  return registered.replace(/[?#].*$/s, "") + (target.includes("?") ? `?${query}` : "");
}

/** The value of one reference as text. */
export function readText(ref: Ref, env: Env): string | undefined {
  const value = readRef(ref, env);
  return value === undefined || typeof value === "string" ? value : Buffer.from(value).toString("latin1");
}

/** Whether a reference leads to something: an object or a list has no text, and is there all the same. Null is not. */
export function isThere(ref: Ref, env: Env): boolean {
  if (ref.kind !== "body") return readText(ref, env) !== undefined;
  const value = env.reading.body(ref.path);
  return value !== undefined && value.type !== "null";
}

function readHole(hole: Hole, env: Env): Chunk | undefined {
  const value = readRef(hole.ref, env);
  return value === undefined || hole.fn === undefined ? value : applyFunction(hole.fn, value, env.key ?? env.secret);
}

function applyFunction(fn: TemplateFunction, value: Chunk, secret: string | Buffer | undefined): string | undefined {
  switch (fn) {
    case "sha1_hex":
      return createHash("sha1").update(value).digest("hex");
    case "sha256_hex":
      return createHash("sha256").update(value).digest("hex");
    case "sha256_base64":
      return createHash("sha256").update(value).digest("base64");
    case "crc32":
      return String(crc32(value));
    case "lower":
      return (typeof value === "string" ? value : Buffer.from(value).toString("utf8")).toLowerCase();
    case "hmac_sha1_hex":
      return secret === undefined ? undefined : createHmac("sha1", secret).update(value).digest("hex");
    case "hmac_sha256_hex":
      return secret === undefined ? undefined : createHmac("sha256", secret).update(value).digest("hex");
    case "hmac_sha256_base64":
      return secret === undefined ? undefined : createHmac("sha256", secret).update(value).digest("base64");
  }
}

/** Fills a template; undefined when one of its references is not there. */
export function renderTemplate(template: Template, env: Env): string | undefined {
  let text = "";
  for (const part of template) {
    const value = typeof part === "string" ? part : readHole(part, env);
    if (value === undefined) return undefined;
    text += typeof value === "string" ? value : Buffer.from(value).toString("utf8");
  }
  return text;
}

/** The bytes a message is made of, in order. */
export function buildMessage(parts: readonly MessagePart[], env: Env): Message {
  const chunks: Chunk[] = [];
  for (const part of parts) {
    if (part.kind === "template") {
      for (const piece of part.template) {
        const value = typeof piece === "string" ? piece : readHole(piece, env);
        if (value === undefined) return { ok: false, missing: typeof piece === "string" ? piece : piece.text };
        chunks.push(value);
      }
      continue;
    }
    const text = buildPart(part, env);
    if (text === undefined) return { ok: false, missing: part.kind };
    chunks.push(...text);
  }
  return { ok: true, chunks };
}

/** The messages that may have been signed: one, or one for each form of a port. */
export function buildMessages(parts: readonly MessagePart[], env: Env): readonly Message[] {
  if (!parts.some((part) => part.kind === "url" && part.portVariants)) return [buildMessage(parts, env)];
  return [buildMessage(parts, { ...env, port: "without" }), buildMessage(parts, { ...env, port: "with" })];
}

function buildPart(part: Exclude<MessagePart, { readonly kind: "template" }>, env: Env): readonly Chunk[] | undefined {
  switch (part.kind) {
    case "form_sorted":
      return sortedForm(env.reading.form(), part.dedupe);
    case "field_lines":
      return fieldLines(part.fields, env);
    case "join_fields":
      return [part.paths.map((path) => scalarText(env.reading.body(path)) ?? "").join(part.sep)];
    case "signed_headers":
      return signedHeaders(part, env);
    case "first_item": {
      const item = env.reading.firstItem(part.path);
      return item === undefined ? undefined : [item];
    }
    case "url": {
      const given = part.form === "registered" ? paramText(env.params, "url") : receivedUrl(env);
      if (given === undefined) return undefined;
      const url = env.port === undefined ? given : urlWithPort(given, env.port);
      return [part.percentDecode.reduce((text, code) => text.replaceAll(code, decodeURIComponent(code)), url)];
    }
  }
}

/** The URL as text with its port written out, or without any: nothing else of it is touched. */
function urlWithPort(text: string, port: "with" | "without"): string {
  const parts = /^(https?):\/\/([^/?#]*?)(:\d+)?(?=[/?#]|$)/i.exec(text);
  if (parts === null) return text;
  const [origin, protocol = "", host = "", own] = parts;
  const usual = protocol.toLowerCase() === "https" ? ":443" : ":80";
  return `${protocol}://${host}${port === "with" ? (own ?? usual) : ""}${text.slice(origin.length)}`;
}

/** Names in code point order; repeated names keep the order of their values, or with `dedupe` are a sorted set. */
function sortedForm(form: URLSearchParams, dedupe: boolean): readonly string[] {
  // One pass: `getAll` for each name would cost the square of what a stranger sends.
  const byName = new Map<string, string[]>();
  for (const [name, value] of form) {
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [value]);
    else values.push(value);
  }
  const names = [...byName.keys()].sort((a, b) => (a < b ? -1 : 1));
  return names.map((name) => {
    const values = byName.get(name) ?? [];
    return (dedupe ? [...new Set(values)].sort() : values).map((value) => name + value).join("");
  });
}

function fieldLines(
  fields: readonly { readonly name: string; readonly optional: boolean }[],
  env: Env,
): readonly string[] | undefined {
  const lines: string[] = [];
  for (const { name, optional } of fields) {
    const value = scalarText(env.reading.body(name));
    if (value !== undefined) lines.push(`${name}\n${value}\n`);
    else if (!optional) return undefined;
  }
  return lines;
}

function signedHeaders(
  part: Extract<MessagePart, { readonly kind: "signed_headers" }>,
  env: Env,
): readonly Chunk[] | undefined {
  const list = readText(part.listFrom, env);
  if (list === undefined) return undefined;
  const names = list
    .split(part.listSep)
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  if (!part.mustList.every((name) => names.includes(name))) return undefined;
  const values = names.map((name) => {
    const value = env.reading.header(name) ?? "";
    return part.form === "values" ? value : `${name}:${value}`;
  });
  return [Buffer.from(values.join(part.sep), "latin1")];
}
