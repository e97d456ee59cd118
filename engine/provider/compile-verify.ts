/** Compiles one entry of `verify:`: what is read, what was signed, which key, and how fresh it must be. */
import { parseDuration } from "../core/duration.ts";
import { compileMessage, describeMessage } from "./compile-message.ts";
import type { Faults } from "./faults.ts";
import type {
  ChainModel,
  ClaimsModel,
  CodeSchemes,
  KeyFrom,
  MessagePart,
  Requirement,
  SchemeModel,
  SchemeName,
  SignatureParse,
  SignaturePlace,
  TimestampModel,
} from "./scheme.ts";
import { readsSecret } from "./scheme.ts";
import { compilePattern, compileRef, compileTemplate, holesOf, type Ref } from "./template.ts";
import type { VerifyEntryYaml } from "./verify.schema.ts";

const DEFAULT_TOLERANCE_MS = 5 * 60_000;
/** Where tokens and passwords stand unless the recipe says otherwise. */
const DEFAULT_PLACES: Partial<Record<SchemeName, string>> = {
  basic: "header:authorization",
  jwt: "header:authorization",
  token: "header:authorization",
};

/** Compiles one way to verify. With faults, what comes back is only good for finding more of them. */
export function compileScheme(given: VerifyEntryYaml, faults: Faults, schemes: CodeSchemes = new Map()): SchemeModel {
  const code = schemes.get(given.scheme);
  const raw: VerifyEntryYaml = code === undefined ? given : { ...given, scheme: "hmac" };
  const message = compileMessage(raw.message, faults);
  const timestamp = raw.timestamp === undefined ? undefined : compileTimestamp(raw.timestamp, faults.at("timestamp"));
  const claims = raw.claims === undefined ? undefined : compileClaims(raw.claims, faults.at("claims"));
  const secretText = raw.scheme === "token" || raw.scheme === "basic" || raw.scheme === "jwt";
  const model: SchemeModel = {
    scheme: raw.scheme,
    ...(code === undefined ? {} : { code }),
    algorithm: raw.algorithm ?? "sha256",
    places: compilePlaces(raw, faults),
    parse: compileParse(raw, faults),
    encoding: secretText ? "text" : (raw.signature?.encoding ?? raw.encoding ?? "hex"),
    format: raw.signature?.format ?? "der",
    key: {
      encoding: raw.key?.encoding ?? "utf8",
      stripPrefix: raw.key?.strip_prefix ?? "",
      requirePrefix: raw.key?.require_prefix ?? false,
      derive: raw.key?.derive ?? "none",
    },
    keyFrom: compileKeyFrom(raw, faults.at("key_from")),
    message,
    require: compileRequire(raw.require ?? {}, faults.at("require")),
    signed: secretText || raw.scheme === "none" ? "nothing" : describeMessage(message),
    ...(raw.per_item === undefined ? {} : { perItem: raw.per_item }),
    ...(claims === undefined ? {} : { claims }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
  checkScheme(given, model, faults);
  return model;
}

/** Combinations that would verify nothing, or less than the author thinks. */
function checkScheme(raw: VerifyEntryYaml, model: SchemeModel, faults: Faults): void {
  const signs = model.signed !== "nothing";
  const reads = (from: Ref | undefined) => model.message.some((part) => messageReads(part, from));
  const placed = raw.header !== undefined || raw.signature !== undefined;
  if (signs && !placed) {
    const message = `\`scheme: ${raw.scheme}\` does not say where the signature is`;
    faults.add([], "HK3002", message, "header: NAME, or signature: { from: header:NAME }");
  }
  if (raw.header !== undefined && raw.signature !== undefined) {
    const message = "`header` is the short form of `signature`: write one of them";
    faults.add(["header"], "HK3002", message, "header, or signature: { from, parse, encoding }");
  }
  if (model.code !== undefined && raw.algorithm !== undefined) {
    const message = `\`algorithm\` says nothing to \`scheme: ${raw.scheme}\`: its digest is code`;
    faults.add(["algorithm"], "HK3002", message, "no algorithm");
  }
  if (raw.scheme === "jwt" && model.claims === undefined) {
    const message = "a JWT needs `claims:` with the algorithms it may use";
    faults.add([], "HK3002", message, "claims: { alg: [HS256] }");
  }
  if (signs && model.timestamp !== undefined && !reads(model.timestamp.from)) {
    const message = "the timestamp is not part of what is signed, so a replay could carry any";
    faults.add(["timestamp"], "HK3002", message, "message: a template with {timestamp}, e.g. {timestamp}.{raw_body}");
  }
  if (raw.timestamp === undefined && reads(undefined)) {
    const message = "the message has {timestamp} and the entry does not say where it is";
    faults.add(["message"], "HK3002", message, "timestamp: { from: header:NAME }");
  }
  if (raw.scheme === "hash" && !readsSecret(model.message)) {
    const message = "a plain hash without the secret in it can be made by anyone";
    faults.add(["message"], "HK3002", message, "message: {secret}{raw_body}");
  }
}

/** Whether a part reads the timestamp: as `{timestamp}` or, given its place, from there or with the raw body around it. */
function messageReads(part: MessagePart, from: Ref | undefined): boolean {
  if (part.kind === "field_lines") return from?.kind === "body";
  if (part.kind === "signed_headers") return from?.kind === "header" && part.mustList.includes(from.name);
  if (part.kind !== "template") return false;
  return holesOf(part.template).some(({ ref }) => {
    if (ref.kind === "timestamp") return true;
    if (from === undefined) return false;
    if (from.kind === "body" && ref.kind === "raw_body") return true;
    return JSON.stringify(ref) === JSON.stringify(from);
  });
}

function compilePlaces(raw: VerifyEntryYaml, faults: Faults): readonly SignaturePlace[] {
  const fallback = raw.header === undefined ? DEFAULT_PLACES[raw.scheme] : `header:${raw.header}`;
  const from = raw.signature?.from ?? fallback;
  const texts = from === undefined ? [] : Array.isArray(from) ? from : [from];
  return texts.flatMap((text): SignaturePlace[] => {
    const pattern = /^header_pattern:(.*)\{n\}(.*)$/.exec(text);
    if (pattern !== null)
      return [
        { kind: "header_pattern", before: (pattern[1] ?? "").toLowerCase(), after: (pattern[2] ?? "").toLowerCase() },
      ];
    const ref = faults.take(["signature", "from"], text, compileRef(text));
    return ref === undefined ? [] : [ref];
  });
}

function compileParse(raw: VerifyEntryYaml, faults: Faults): SignatureParse {
  const parse = raw.signature?.parse;
  const prefix = parse?.prefix ?? raw.prefix;
  if (prefix !== undefined) return { kind: "prefix", prefix };
  if (parse?.kv !== undefined) return { kind: "kv", ...parse.kv };
  if (parse?.list !== undefined) return { kind: "list", ...parse.list };
  if (parse?.positional !== undefined) {
    return {
      kind: "positional",
      sep: parse.positional.sep,
      timestamp: parse.positional.timestamp,
      signatures: parse.positional.signatures,
    };
  }
  if (parse?.pairs !== undefined) {
    const selectBy = faults.take(
      ["signature", "parse", "pairs", "select_by"],
      parse.pairs.select_by,
      compileRef(parse.pairs.select_by),
    );
    if (selectBy !== undefined) return { kind: "pairs", item: parse.pairs.item, field: parse.pairs.field, selectBy };
  }
  // A password always comes as `Basic …`, a JWT in Authorization often as `Bearer …` (handled where it is read).
  return raw.scheme === "basic" ? { kind: "prefix", prefix: "Basic " } : { kind: "raw" };
}

function compileKeyFrom(raw: VerifyEntryYaml, faults: Faults): KeyFrom {
  const from = raw.key_from;
  if (from?.param !== undefined) return { kind: "param", name: from.param };
  if (from?.handshake_store !== undefined) return { kind: "handshake_store", name: from.handshake_store };
  if (from?.jwks !== undefined) return compileJwks(from.jwks, faults.at("jwks"));
  if (from?.cert_url !== undefined) {
    const ref = faults.take(["cert_url", "from"], from.cert_url.from, compileRef(from.cert_url.from));
    if (ref !== undefined)
      return {
        kind: "cert_url",
        from: ref,
        hosts: from.cert_url.hosts,
        pathSuffix: from.cert_url.path_suffix ?? "",
        ...(from.cert_url.chain === undefined ? {} : { chain: compileChain(from.cert_url.chain) }),
      };
  }
  return { kind: "secrets" };
}

type ChainYaml = NonNullable<NonNullable<NonNullable<VerifyEntryYaml["key_from"]>["cert_url"]>["chain"]>;

function compileChain({ subject, issuers_from }: ChainYaml): ChainModel {
  return { subjects: [subject].flat(), issuersFrom: issuers_from ?? [] };
}

function compileJwks(raw: NonNullable<NonNullable<VerifyEntryYaml["key_from"]>["jwks"]>, faults: Faults): KeyFrom {
  const post = Object.entries(raw.post ?? {}).flatMap(([name, text]) => {
    const template = faults.take(["post", name], text, compileTemplate(text));
    return template === undefined ? [] : [[name, template] as const];
  });
  return {
    kind: "jwks",
    url: faults.take(["url"], raw.url, compileTemplate(raw.url)) ?? [],
    keyAt: raw.key_at ?? "",
    ...(raw.post === undefined ? {} : { post }),
    ...(raw.expired_at === undefined ? {} : { expiredAt: raw.expired_at }),
  };
}

function compileClaims(raw: NonNullable<VerifyEntryYaml["claims"]>, faults: Faults): ClaimsModel {
  const template = (key: string, text: string | undefined) =>
    text === undefined ? undefined : faults.take([key], text, compileTemplate(text));
  const iss = template("iss", raw.iss);
  const aud = template("aud", raw.aud);
  const maxAgeMs = raw.max_age === undefined ? undefined : faults.duration(["max_age"], raw.max_age);
  return {
    alg: new Set(raw.alg),
    expRequired: (raw.exp ?? "required") === "required",
    ...(iss === undefined ? {} : { iss }),
    ...(aud === undefined ? {} : { aud }),
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(raw.body_hash === undefined ? {} : { bodyHash: raw.body_hash }),
    ...(raw.url_hash === undefined ? {} : { urlHash: raw.url_hash }),
  };
}

function compileRequire(raw: NonNullable<VerifyEntryYaml["require"]>, faults: Faults): SchemeModel["require"] {
  return Object.entries(raw).flatMap(([text, wanted]): Requirement[] => {
    const ref = faults.take([text], text, compileRef(text));
    if (ref === undefined) return [];
    if (typeof wanted === "object") {
      if ("exists" in wanted) return [{ ref, text, exists: wanted.exists }];
      const matches = compilePattern(wanted.matches);
      if (matches !== undefined) return [{ ref, text, matches, exists: true }];
      faults.add([text, "matches"], "HK3001", `\`${wanted.matches}\` can't be read`, "a regular expression");
      return [];
    }
    const template = faults.take([text], String(wanted), compileTemplate(String(wanted)));
    return template === undefined ? [] : [{ ref, equals: template, text, exists: true }];
  });
}

function compileTimestamp(raw: NonNullable<VerifyEntryYaml["timestamp"]>, faults: Faults): TimestampModel | undefined {
  const from = faults.take(["from"], raw.from, compileRef(raw.from));
  const tolerance = (key: "past" | "future") => {
    const text = raw[key];
    if (text === undefined) return DEFAULT_TOLERANCE_MS;
    const parsed = parseDuration(text);
    return faults.take([key], text, parsed) ?? DEFAULT_TOLERANCE_MS;
  };
  const model = { unit: raw.unit ?? "s", pastMs: tolerance("past"), futureMs: tolerance("future") } as const;
  return from === undefined ? undefined : { from, ...model };
}

/** All references an entry reads: for repeated headers, params and the byte scan. */
export function refsOfScheme(model: SchemeModel): readonly Ref[] {
  const templates = [
    ...model.message.flatMap((part) => (part.kind === "template" ? [part.template] : [])),
    model.claims?.iss ?? [],
    model.claims?.aud ?? [],
  ];
  const parts = model.message.flatMap((part): Ref[] => {
    if (part.kind === "signed_headers") return [part.listFrom];
    if (part.kind === "url") return [{ kind: "url" }];
    if (part.kind === "first_item" || part.kind === "form_sorted") return [];
    if (part.kind === "field_lines")
      return part.fields.map(({ name }) => ({ kind: "body", path: name, optional: true }));
    return part.kind === "join_fields" ? part.paths.map((path) => ({ kind: "body", path, optional: true })) : [];
  });
  return [
    ...model.places.flatMap((place) => (place.kind === "header_pattern" ? [] : [place])),
    ...templates.flatMap((template) => holesOf(template).map((hole) => hole.ref)),
    ...parts,
    ...model.require.flatMap(({ ref, equals }) => [ref, ...holesOf(equals ?? []).map((hole) => hole.ref)]),
    ...(model.timestamp === undefined ? [] : [model.timestamp.from]),
    ...(model.parse.kind === "pairs" ? [model.parse.selectBy] : []),
    ...(model.keyFrom.kind === "cert_url" ? [model.keyFrom.from] : []),
    ...(model.keyFrom.kind === "jwks"
      ? [model.keyFrom.url, ...(model.keyFrom.post ?? []).map(([, template]) => template)].flatMap((template) =>
          holesOf(template).map((hole) => hole.ref),
        )
      : []),
  ];
}
