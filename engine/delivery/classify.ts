/**
 * What an answer means: the preset's ordered rules first, then the classes every HTTP sink has. Status alone does
 * not tell (sinks throttle with 403, refuse with 200), so rules may look at the body and headers too.
 */
import type { Json } from "../core/types.ts";
import type { AnswerClass, ItemsSpec, ResponseRule, RetryAfterSpec } from "../plugin/http.schema.ts";
import type { HttpAnswer, Outcome } from "../plugin/index.ts";
import { retryAfterMs } from "./retry-after.ts";

/** An answer that came, whatever it says. */
export type Answered = Extract<HttpAnswer, { ok: true }>;

export interface ClassifyOptions {
  /** First match decides. */
  readonly rules: readonly ResponseRule[];
  readonly items?: ItemsSpec;
  readonly retryAfter: readonly RetryAfterSpec[];
  readonly now: number;
}

/** An outcome, or the wish for a new token and one more try. */
export type Classified = Outcome | { readonly kind: "refresh_auth"; readonly status: number; readonly detail: string };

/** Classifies one answer. */
export function classifyAnswer(answer: Answered, options: ClassifyOptions): Classified {
  const body = parseBody(answer);
  const rule = options.rules.find((candidate) => matchesRule(candidate, answer, body));
  const kind = rule?.as ?? classOfStatus(answer.status);
  const reason = rule?.reason === undefined ? undefined : reasonAt(body, rule.reason);
  const detail = reason === undefined ? `status ${answer.status}` : `status ${answer.status}: ${reason}`;
  const wait = retryAfterMs(answer.headers, options.retryAfter, options.now);
  if (kind === "per_item") return itemOutcome({ body, detail, status: answer.status, wait }, options.items);
  return outcomeOf(kind, { status: answer.status, detail, wait });
}

/** What a request that got no answer came to. */
export function classifyFailure(failure: Extract<HttpAnswer, { ok: false }>): Outcome {
  const detail = `${failure.reason}: ${failure.detail}`;
  if (failure.reason === "refused_address") return { kind: "rejected", detail };
  return failure.sent ? { kind: "unknown", detail } : { kind: "retry", detail };
}

/** The class of a status where no rule says otherwise. */
export function classOfStatus(status: number): AnswerClass {
  if (status >= 200 && status < 300) return "delivered";
  if (status === 429) return "throttle";
  if (status === 408 || status === 423 || status === 425 || (status >= 500 && status !== 501)) return "retry";
  if (status === 401 || status === 403 || status === 407) return "pause";
  if (status === 410) return "dead_and_pause";
  // 3xx too: redirects are never followed, a moved endpoint is a matter for a person.
  return "permanent";
}

interface Facts {
  readonly status: number;
  readonly detail: string;
  readonly wait: number | undefined;
}

function outcomeOf(kind: Exclude<AnswerClass, "per_item">, { status, detail, wait }: Facts): Classified {
  const after = wait === undefined ? {} : { afterMs: wait };
  switch (kind) {
    case "delivered":
      return { kind: "delivered", status };
    case "repeated":
      return { kind: "delivered", status, detail, noEffect: "repeated" };
    case "permanent":
      return { kind: "rejected", status, detail };
    case "retry":
      // A 503 that names a time speaks for the whole sink, as a throttle does.
      return { kind: "retry", status, detail, ...after, ...(status === 503 && wait ? { throttled: true } : {}) };
    case "throttle":
      return { kind: "retry", status, detail, ...after, throttled: true };
    case "refresh_auth":
      return { kind: "refresh_auth", status, detail };
    case "pause":
      return { kind: "pause", status, detail };
    case "dead_and_pause":
      return { kind: "pause", status, detail, dead: true };
    case "unknown":
      return { kind: "unknown", detail };
  }
}

/** The answer of a batch of one: what it says about our item. */
function itemOutcome(facts: Facts & { readonly body: Json | undefined }, items: ItemsSpec | undefined): Outcome {
  const { status, detail, wait } = facts;
  const list = items === undefined ? undefined : valuesAt(facts.body, items.path)[0];
  if (items === undefined || !Array.isArray(list))
    return { kind: "unknown", detail: `${detail}, without item results` };
  const item = list.find((each, index) => (items.index === undefined ? index : valuesAt(each, items.index)[0]) === 0);
  // A list of faults that does not name our item says that it went well.
  if (item === undefined) return { kind: "delivered", status };
  const failed =
    items.ok === undefined
      ? items.error === undefined || valuesAt(item, items.error).some(isThere)
      : valuesAt(item, items.ok)[0] !== true;
  if (!failed) return { kind: "delivered", status };
  const code = items.code === undefined ? undefined : valuesAt(item, items.code)[0];
  const told =
    typeof code === "string" || typeof code === "number"
      ? `${detail}: item ${safeReason(String(code))}`
      : `${detail}: item failed`;
  if (code === undefined || !items.retry?.includes(String(code))) return { kind: "rejected", status, detail: told };
  return { kind: "retry", status, detail: told, ...(wait === undefined ? {} : { afterMs: wait }) };
}

const isThere = (value: Json) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);

function matchesRule(rule: ResponseRule, answer: Answered, body: Json | undefined): boolean {
  if (rule.status !== undefined && !matchesStatus(rule.status, answer.status)) return false;
  if (rule.header !== undefined) {
    const value = answer.headers[rule.header.name.toLowerCase()];
    if (value === undefined) return false;
    if (rule.header.equals !== undefined && value !== rule.header.equals) return false;
    if (rule.header.matches !== undefined && !new RegExp(rule.header.matches).test(value)) return false;
  }
  return rule.body === undefined || matchesBody(rule.body, answer, body);
}

/** 404, "404", "2xx", "500-504", or a list of them. */
export function matchesStatus(wanted: string | number | readonly (string | number)[], status: number): boolean {
  if (typeof wanted === "object") return wanted.some((one) => matchesStatus(one, status));
  const text = String(wanted).trim();
  const group = /^([1-5])xx$/i.exec(text);
  if (group !== null) return Math.floor(status / 100) === Number(group[1]);
  const range = /^(\d{3})\s*(?:-|\.\.)\s*(\d{3})$/.exec(text);
  if (range !== null) return status >= Number(range[1]) && status <= Number(range[2]);
  return text === String(status);
}

function matchesBody(wanted: NonNullable<ResponseRule["body"]>, answer: Answered, body: Json | undefined): boolean {
  const found = wanted.path === undefined ? [body ?? answer.body] : valuesAt(body, wanted.path);
  if (wanted.exists !== undefined && found.some(isThere) !== wanted.exists) return false;
  if (wanted.equals !== undefined && !found.some((value) => same(value, wanted.equals))) return false;
  if (wanted.in !== undefined && !found.some((value) => wanted.in?.some((one) => same(value, one)))) return false;
  if (wanted.matches === undefined) return true;
  const pattern = new RegExp(wanted.matches);
  return wanted.path === undefined
    ? pattern.test(answer.body)
    : found.some((value) => typeof value !== "object" && pattern.test(String(value)));
}

const same = (a: Json, b: Json | undefined) => JSON.stringify(a) === JSON.stringify(b);

function parseBody(answer: Answered): Json | undefined {
  if (answer.truncated || answer.body === "") return undefined;
  try {
    const parsed: Json = JSON.parse(answer.body);
    return parsed;
  } catch {
    return undefined;
  }
}

/** The values at a dot path; `*` takes every element. */
export function valuesAt(value: Json | undefined, path: string): Json[] {
  let found: Json[] = value === undefined ? [] : [value];
  for (const part of path === "" ? [] : path.split(".")) {
    found = found.flatMap((one): Json[] => {
      if (typeof one !== "object" || one === null) return [];
      if (part === "*") return Object.values(one);
      const member = Object.entries(one).find(([key]) => key === part);
      return member === undefined ? [] : [member[1]];
    });
  }
  return found;
}

function reasonAt(body: Json | undefined, path: string): string | undefined {
  const value = valuesAt(body, path)[0];
  return typeof value === "string" || typeof value === "number" ? safeReason(String(value)) : undefined;
}

/**
 * A sink's own words as far as they may be shown: a short code. Sentences can quote what was sent, personal data
 * included, so only a first piece that looks like an identifier is kept.
 */
function safeReason(text: string): string {
  return /^[A-Za-z][\w.:-]{0,79}$/.test(text) || /^\d{1,10}$/.test(text) ? text : "(text left out)";
}
