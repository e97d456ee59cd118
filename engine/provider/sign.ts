/** Signs a request the way its provider would: for `send`, `test` and everything that needs a request that is really valid. */
import { fail } from "../core/errors.ts";
import { parseJson } from "../core/json.ts";
import type { Secret } from "../core/secret.ts";
import type { Json } from "../core/types.ts";
import { setAt } from "./edit.ts";
import { listAt } from "./items.ts";
import { makeSignature, type SigningKey } from "./make-signature.ts";
import { standInName } from "./match.ts";
import { bodyFormat } from "./parse.ts";
import { paramText, Reading } from "./reading.ts";
import type { Recipe } from "./recipe.ts";
import { type Env, renderTemplate } from "./render.ts";
import type { SchemeModel, SignaturePlace } from "./scheme.ts";
import { placeName, writeSignature } from "./signature.ts";
import { holesOf, type Ref } from "./template.ts";
import { writeTime } from "./time.ts";
import { parseXml, writeXml } from "./xml.ts";

export interface SignInput {
  readonly body: Uint8Array;
  /** The shared secret, `user:password` for basic, or a private key in PEM for public-key schemes. */
  readonly secret?: Secret;
  /** ms since the epoch. */
  readonly now: number;
  readonly method?: string;
  /** Full URL it is sent to. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The event's id: goes into the id header of providers that have one. */
  readonly id?: string;
  readonly params?: Readonly<Record<string, string | Secret>>;
}

/** A request as its provider would send it. */
export interface SignedRequest {
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly url: string;
}

/** The headers of a request whose signature stands in one. Throws `HK3020` or `HK3021` where it can't be signed. */
export function signRequest(recipe: Recipe, input: SignInput): Readonly<Record<string, string>> {
  const signed = signWhole(recipe, input);
  if (signed.url !== input.url || !Buffer.from(signed.body).equals(input.body))
    return fail("HK3020", { provider: recipe.provider, problem: "its signature does not stand in a header" });
  return signed.headers;
}

/** Signs wherever the provider does: header, query, form field or body. Throws `HK3020` or `HK3021` where it can't be. */
export function signWhole(recipe: Recipe, input: SignInput): SignedRequest {
  const headers: Record<string, string> = { "content-type": "application/json" };
  for (const [name, value] of Object.entries(input.headers ?? {})) headers[name.toLowerCase()] = value;
  const draft: Draft = { headers, body: input.body, url: input.url, item: "" };
  const format = bodyFormat(recipe.events, headers["content-type"] ?? "");
  const scheme = schemeFor(recipe, format);
  if (scheme === undefined || scheme.scheme === "none") return finished(draft);
  if (input.id !== undefined) setIdHeader(recipe, headers, input.id);
  const key: SigningKey = { secret: secretOf(recipe, scheme, input), now: input.now };
  prepare(recipe, scheme, draft, input);
  if (scheme.perItem === undefined) {
    signDraft(recipe, scheme, { draft, input, key });
    return finished(draft);
  }
  const parsed = parseJson(draft.body);
  const list = scheme.perItem === "." ? "" : scheme.perItem;
  const items = (parsed.ok ? listAt(parsed.value, list) : undefined) ?? [];
  items.forEach((_, index) => {
    draft.item = list === "" ? String(index) : `${list}.${index}`;
    signDraft(recipe, scheme, { draft, input, key });
  });
  return finished(draft);
}

/** A request while it is being signed. */
interface Draft {
  readonly headers: Record<string, string>;
  body: Uint8Array;
  url: string;
  /** Path of the item that is signed; "" for the whole. */
  item: string;
}

const finished = ({ headers, body, url }: Draft): SignedRequest => ({ headers, body, url });

/** The first scheme that this kind of body can be signed by: Twilio signs forms and JSON in different ways. */
function schemeFor(recipe: Recipe, format: string): SchemeModel | undefined {
  const [first] = recipe.verify;
  const readsForm = first?.message.some((part) => part.kind === "form_sorted") === true;
  return readsForm && format !== "form" ? (recipe.verify[1] ?? first) : first;
}

/** The secret, or a private key in the place of the public one that a source gives as a param. */
function secretOf(recipe: Recipe, scheme: SchemeModel, input: SignInput): string {
  const name = standInName(scheme.keyFrom);
  const standIn = name === undefined ? undefined : paramText(input.params ?? {}, name);
  return (
    standIn ?? input.secret?.reveal() ?? fail("HK3020", { provider: recipe.provider, problem: "there is no secret" })
  );
}

/** The parts of the signature header that name the headers which are signed. */
function listedHeaders(scheme: SchemeModel): ReadonlyMap<string, string> {
  return new Map(
    scheme.message.flatMap((part) =>
      part.kind === "signed_headers" && part.listFrom.kind === "part"
        ? [[part.listFrom.name, part.mustList.join(part.listSep)] as const]
        : [],
    ),
  );
}

/** Puts the time, and what the scheme demands besides, in their places. */
function prepare(recipe: Recipe, scheme: SchemeModel, draft: Draft, input: SignInput): void {
  for (const { ref, equals } of scheme.require) {
    if (equals === undefined || (ref.kind !== "header" && ref.kind !== "body")) continue;
    const text = renderTemplate(equals, createEnv(input, draft, { timestamp: "", secret: "" }));
    if (text !== undefined) put(recipe, draft, ref, text);
  }
  const hash = scheme.require.find(({ ref, equals }) => ref.kind === "query" && equals !== undefined);
  if (hash?.ref.kind === "query") {
    const value = renderTemplate(hash.equals ?? [], createEnv(input, draft, { timestamp: "", secret: "" }));
    if (value !== undefined) put(recipe, draft, hash.ref, value);
  }
  for (const part of scheme.message) {
    if (part.kind === "signed_headers" && part.listFrom.kind === "header")
      draft.headers[part.listFrom.name] ??= part.mustList.join(part.listSep);
  }
  const stamp = scheme.timestamp;
  if (stamp === undefined) return;
  const text = writeTime(input.now, stamp.unit);
  const value = stamp.unit === "s" || stamp.unit === "ms" ? Number(text) : text;
  if (stamp.from.kind === "header") draft.headers[stamp.from.name] = text;
  if (stamp.from.kind === "body" && parseJson(draft.body).ok)
    put(recipe, draft, stamp.from, keepsText(draft, stamp.from.path) ? text : value);
}

/** Some senders write numbers as text: a sample says which. */
function keepsText(draft: Draft, path: string): boolean {
  return Reading.ofParsed({ ...EMPTY, body: draft.body }).body(path)?.type === "string";
}

const EMPTY = { method: "POST", target: "/", path: "/", query: "", headers: {} };

function signDraft(
  recipe: Recipe,
  scheme: SchemeModel,
  by: { readonly draft: Draft; readonly input: SignInput; readonly key: SigningKey },
): void {
  const { draft, input, key } = by;
  const timestamp = scheme.timestamp === undefined ? "" : writeTime(input.now, scheme.timestamp.unit);
  const parts = listedHeaders(scheme);
  const env = createEnv(input, draft, { timestamp, secret: key.secret, parts });
  const signature = makeSignature(recipe, scheme, env, key);
  const place = scheme.places[0];
  if (place === undefined) fail("HK3020", { provider: recipe.provider, problem: "it has no signature" });
  put(recipe, draft, place, writeSignature(scheme, signature, { timestamp, keyId: keyId(scheme, env), parts }), scheme);
}

/** Writes a value where a reference says. What stands in the body must not be signed with it. */
function put(recipe: Recipe, draft: Draft, place: SignaturePlace, value: Json, scheme?: SchemeModel): void {
  const text = String(value);
  const clash: () => never = () =>
    fail("HK3020", { provider: recipe.provider, problem: `it can't be written at ${placeName(place)}` });
  const covers = scheme?.message.some(
    (part) => part.kind === "template" && holesOf(part.template).some((hole) => hole.ref.kind === "raw_body"),
  );
  switch (place.kind) {
    case "header":
      draft.headers[place.name] = text;
      return;
    case "header_pattern":
      draft.headers[`${place.before}1${place.after}`] = text;
      return;
    case "query": {
      const url = new URL(draft.url);
      url.searchParams.set(place.name, text);
      draft.url = url.href;
      return;
    }
    case "form": {
      if (covers === true) clash();
      const form = new URLSearchParams(Buffer.from(draft.body).toString());
      form.set(place.name, text);
      draft.body = Buffer.from(form.toString());
      return;
    }
    case "body": {
      const isXml = bodyFormat(recipe.events, draft.headers["content-type"] ?? "") === "xml";
      const parsed = covers === true ? undefined : isXml ? xmlOf(draft.body, recipe) : parseJson(draft.body);
      if (parsed?.ok !== true) clash();
      const path = draft.item === "" ? place.path : `${draft.item}.${place.path}`;
      const changed = setAt(parsed.value, path, value);
      draft.body = Buffer.from(isXml ? writeXml(changed) : JSON.stringify(changed));
      return;
    }
    default:
      clash();
  }
}

const xmlOf = (body: Uint8Array, { events }: Recipe) => parseXml(Buffer.from(body).toString(), events.maxDepth);

function setIdHeader(recipe: Recipe, headers: Record<string, string>, id: string): void {
  for (const candidate of recipe.events.ids) {
    const part = candidate.kind === "hash" ? undefined : candidate.template[0];
    if (typeof part !== "object" || part.ref.kind !== "header" || candidate.kind === "hash" || candidate.composite)
      continue;
    headers[part.ref.name] ??= id;
    return;
  }
}

function createEnv(
  input: SignInput,
  draft: Draft,
  by: { readonly timestamp: string; readonly secret: string; readonly parts?: ReadonlyMap<string, string> },
): Env {
  const url = new URL(draft.url);
  const request = {
    method: input.method ?? "POST",
    target: url.pathname + url.search,
    path: url.pathname,
    query: url.search.slice(1),
    headers: draft.headers,
    body: draft.body,
  };
  const params = { url: input.url, ...input.params };
  const parts = new Map([...(by.parts ?? []), ["timestamp", by.timestamp] as const]);
  // Body paths are read by path, not by a compiled scan: a sample is parsed once more, which costs nothing here.
  const reading = Reading.ofParsed(request, draft.item);
  return { reading, params, timestamp: by.timestamp, parts, secret: by.secret };
}

function keyId(scheme: SchemeModel, env: Env): string {
  const ref: Ref | undefined = scheme.parse.kind === "pairs" ? scheme.parse.selectBy : undefined;
  return ref?.kind === "param" ? (paramText(env.params, ref.name) ?? "") : "";
}
