/** Compiles `handshake:`: the questions a provider asks before it sends events. */
import type { Json } from "../core/types.ts";
import type { HandshakeYaml } from "./events.schema.ts";
import type { Faults } from "./faults.ts";
import {
  compilePattern,
  compileRef,
  compileTemplate,
  type Hole,
  holesOf,
  type Ref,
  type Template,
} from "./template.ts";

export interface ConditionModel {
  readonly ref: Ref;
  /** The text it must equal; absent: only presence is asked. */
  readonly equals?: string;
  readonly exists: boolean;
  readonly matches?: RegExp;
}

/** A JSON reply whose texts are templates. */
export type JsonTemplate =
  | Template
  | { readonly list: readonly JsonTemplate[] }
  | { readonly object: readonly (readonly [string, JsonTemplate])[] }
  | { readonly value: Json };

export interface HandshakeModel {
  readonly name: string;
  readonly when: readonly ConditionModel[];
  /** The method it demands, if it names one. */
  readonly method?: string;
  readonly auth:
    | { readonly kind: "none" | "verify" }
    | { readonly kind: "token_equals"; readonly from: Ref; readonly param: string };
  readonly status: number;
  readonly headers: readonly (readonly [string, Template])[];
  readonly body:
    | { readonly kind: "text"; readonly template: Template }
    | { readonly kind: "json"; readonly template: JsonTemplate }
    | { readonly kind: "empty" };
  readonly store?: { readonly name: string; readonly secret: Ref };
  readonly fetch?: { readonly url: Ref; readonly hosts: readonly string[] };
}

/** Compiles one handshake. */
export function compileHandshake(raw: HandshakeYaml, faults: Faults): HandshakeModel {
  const method = raw.when["method"];
  const store =
    raw.store === undefined
      ? undefined
      : faults.take(["store", "secret"], raw.store.secret, compileRef(raw.store.secret));
  const fetch =
    raw.fetch === undefined ? undefined : faults.take(["fetch", "url"], raw.fetch.url, compileRef(raw.fetch.url));
  if (raw.fetch !== undefined && raw.auth !== undefined && raw.auth !== "verify") {
    faults.add(["fetch"], "HK3002", "only a verified request may make us call a URL", "auth: verify");
  }
  if (raw.reply.text !== undefined && raw.reply.json !== undefined) {
    faults.add(["reply"], "HK3002", "a reply is text or JSON, not both", "one of text, json");
  }
  const model: HandshakeModel = {
    name: raw.name,
    when: compileConditions(raw.when, faults.at("when")),
    ...(typeof method === "string" ? { method } : {}),
    auth: compileAuth(raw.auth, faults.at("auth")),
    status: raw.reply.status ?? 200,
    headers: Object.entries(raw.reply.headers ?? {}).flatMap(([name, text]) => {
      const template = faults.take(["reply", "headers", name], text, compileTemplate(text));
      return template === undefined ? [] : [[name.toLowerCase(), template] as const];
    }),
    body: compileReplyBody(raw.reply, faults.at("reply")),
    ...(raw.store === undefined || store === undefined ? {} : { store: { name: raw.store.name, secret: store } }),
    ...(raw.fetch === undefined || fetch === undefined ? {} : { fetch: { url: fetch, hosts: raw.fetch.hosts } }),
  };
  checkOracle(model, faults);
  return model;
}

function compileConditions(raw: HandshakeYaml["when"], faults: Faults): readonly ConditionModel[] {
  return Object.entries(raw).flatMap(([text, wanted]): ConditionModel[] => {
    const ref = faults.take([text], text, compileRef(text));
    if (ref === undefined) return [];
    if (typeof wanted === "string") return [{ ref, equals: wanted, exists: true }];
    if ("exists" in wanted) return [{ ref, exists: wanted.exists }];
    const matches = compilePattern(wanted.matches);
    if (matches !== undefined) return [{ ref, exists: true, matches }];
    faults.add([text, "matches"], "HK3001", `\`${wanted.matches}\` can't be read`, "a regular expression");
    return [];
  });
}

/**
 * Nobody may have a text of their own choice signed with the source's secret: they would send it back to us as an
 * event. So before verification an HMAC is only made of what a pattern has confined.
 */
function checkOracle(model: HandshakeModel, faults: Faults): void {
  if (model.auth.kind !== "none") return;
  const confined = new Set(
    model.when.flatMap(({ ref, matches }) => (matches === undefined ? [] : [JSON.stringify(ref)])),
  );
  const open = holesOfReply(model).some(({ ref, fn }) => fn?.startsWith("hmac") && !confined.has(JSON.stringify(ref)));
  if (open) {
    const message = "this reply would sign any text for anyone, who could then send it as an event";
    faults.add(["reply"], "HK3002", message, "auth: verify, or a `when:` with `matches` for what is signed");
  }
}

/** Texts that these handshakes sign for anyone, as patterns: no such text may count as a signed message. */
export function openlySigned(handshakes: readonly HandshakeModel[]): readonly RegExp[] {
  return handshakes
    .filter(({ auth }) => auth.kind === "none")
    .flatMap((model) => {
      const signed = holesOfReply(model).flatMap(({ ref, fn }) =>
        fn?.startsWith("hmac") ? [JSON.stringify(ref)] : [],
      );
      return model.when.flatMap(({ ref, matches }) =>
        matches !== undefined && signed.includes(JSON.stringify(ref)) ? [matches] : [],
      );
    });
}

function compileAuth(raw: HandshakeYaml["auth"], faults: Faults): HandshakeModel["auth"] {
  if (raw === undefined) return { kind: "verify" };
  if (typeof raw === "string") return { kind: raw };
  const from = faults.take(["token_equals", "from"], raw.token_equals.from, compileRef(raw.token_equals.from));
  return from === undefined ? { kind: "verify" } : { kind: "token_equals", from, param: raw.token_equals.param };
}

function compileReplyBody(raw: HandshakeYaml["reply"], faults: Faults): HandshakeModel["body"] {
  if (raw.json !== undefined) return { kind: "json", template: compileJson(raw.json, faults.at("json")) };
  const template = raw.text === undefined ? undefined : faults.take(["text"], raw.text, compileTemplate(raw.text));
  return template === undefined ? { kind: "empty" } : { kind: "text", template };
}

function compileJson(value: Json, faults: Faults): JsonTemplate {
  if (typeof value === "string") return faults.take([], value, compileTemplate(value)) ?? [];
  if (typeof value !== "object" || value === null) return { value };
  if (Array.isArray(value))
    return { list: (value as readonly Json[]).map((item, index) => compileJson(item, faults.at(index))) };
  return { object: Object.entries(value).map(([key, item]) => [key, compileJson(item, faults.at(key))] as const) };
}

/** All references a handshake reads. */
export function refsOfHandshake(model: HandshakeModel): readonly Ref[] {
  return [
    ...model.when.map(({ ref }) => ref),
    ...holesOfReply(model).map((hole) => hole.ref),
    ...(model.auth.kind === "token_equals"
      ? [model.auth.from, { kind: "param", name: model.auth.param } as const]
      : []),
    ...(model.store === undefined ? [] : [model.store.secret]),
    ...(model.fetch === undefined ? [] : [model.fetch.url]),
  ];
}

function holesOfReply({ headers, body }: HandshakeModel): readonly Hole[] {
  const inBody = body.kind === "text" ? [body.template] : body.kind === "json" ? templatesIn(body.template) : [];
  return [...headers.map(([, template]) => template), ...inBody].flatMap((template) => holesOf(template));
}

function templatesIn(template: JsonTemplate): readonly Template[] {
  if ("list" in template) return template.list.flatMap(templatesIn);
  if ("object" in template) return template.object.flatMap(([, item]) => templatesIn(item));
  return "value" in template ? [] : [template];
}
