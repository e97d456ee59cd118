/** Compiles `handshake:`: the questions a provider asks before it sends events. */
import type { Json } from "../core/types.ts";
import type { HandshakeYaml } from "./events.schema.ts";
import type { Faults } from "./faults.ts";
import { compileRef, compileTemplate, holesOf, type Ref, type Template } from "./template.ts";

export interface ConditionModel {
  readonly ref: Ref;
  /** The text it must equal; absent: only presence is asked. */
  readonly equals?: string;
  readonly exists: boolean;
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
}

/** Compiles one handshake. */
export function compileHandshake(raw: HandshakeYaml, faults: Faults): HandshakeModel {
  const method = raw.when["method"];
  const store =
    raw.store === undefined
      ? undefined
      : faults.take(["store", "secret"], raw.store.secret, compileRef(raw.store.secret));
  if (raw.reply.text !== undefined && raw.reply.json !== undefined) {
    faults.add(["reply"], "HK3002", "a reply is text or JSON, not both", "one of text, json");
  }
  return {
    name: raw.name,
    when: Object.entries(raw.when).flatMap(([text, wanted]) => {
      const ref = faults.take(["when", text], text, compileRef(text));
      if (ref === undefined) return [];
      return [typeof wanted === "string" ? { ref, equals: wanted, exists: true } : { ref, exists: wanted.exists }];
    }),
    ...(typeof method === "string" ? { method } : {}),
    auth: compileAuth(raw.auth, faults.at("auth")),
    status: raw.reply.status ?? 200,
    headers: Object.entries(raw.reply.headers ?? {}).flatMap(([name, text]) => {
      const template = faults.take(["reply", "headers", name], text, compileTemplate(text));
      return template === undefined ? [] : [[name.toLowerCase(), template] as const];
    }),
    body: compileReplyBody(raw.reply, faults.at("reply")),
    ...(raw.store === undefined || store === undefined ? {} : { store: { name: raw.store.name, secret: store } }),
  };
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
  const templates = model.headers.map(([, template]) => template);
  if (model.body.kind === "text") templates.push(model.body.template);
  if (model.body.kind === "json") templates.push(...templatesIn(model.body.template));
  return [
    ...model.when.map(({ ref }) => ref),
    ...templates.flatMap((template) => holesOf(template).map((hole) => hole.ref)),
    ...(model.auth.kind === "token_equals"
      ? [model.auth.from, { kind: "param", name: model.auth.param } as const]
      : []),
    ...(model.store === undefined ? [] : [model.store.secret]),
  ];
}

function templatesIn(template: JsonTemplate): readonly Template[] {
  if ("list" in template) return template.list.flatMap(templatesIn);
  if ("object" in template) return template.object.flatMap(([, item]) => templatesIn(item));
  return "value" in template ? [] : [template];
}
