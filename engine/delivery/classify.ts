/**
 * What an answer means: the preset's ordered rules first, then the classes every HTTP sink has. Status alone does
 * not tell (sinks throttle with 403, refuse with 200), so rules may look at the body and headers too.
 */
import { parseDuration } from "../core/duration.ts";
import type { Json } from "../core/types.ts";
import type { AnswerClass, ItemsSpec, ResponseRule, RetryAfterSpec } from "../plugin/answers.schema.ts";
import type { HttpAnswer, Outcome } from "../plugin/index.ts";
import { itemOutcomes } from "./items.ts";
import { isThere, safeReason, valuesAt } from "./positions.ts";
import { retryAfterMs } from "./retry-after.ts";

/** An answer that came, whatever it says. */
export type Answered = Extract<HttpAnswer, { ok: true }>;

export interface ClassifyOptions {
  /** First match decides. */
  readonly rules: readonly ResponseRule[];
  readonly items?: ItemsSpec;
  /** The item as it was sent, where a request holds a list of them. */
  readonly item?: Json;
  readonly retryAfter: readonly RetryAfterSpec[];
  readonly now: number;
}

/** An outcome, or the wish for a new token and one more try. */
export type Classified = Outcome | { readonly kind: "refresh_auth"; readonly status: number; readonly detail: string };

/** An outcome for each item that was sent, in order. */
export interface ItemResults {
  readonly kind: "items";
  readonly outcomes: readonly Outcome[];
}

/** Classifies the answer to a request for one delivery. */
export function classifyAnswer(answer: Answered, options: ClassifyOptions): Classified {
  const whole = classifyBatch(answer, { ...options, sent: [options.item] });
  return whole.kind === "items" ? (whole.outcomes[0] ?? unreadable(answer.status)) : whole;
}

/** What the answer to a request for several deliveries means: one thing for all of them, or something for each. */
export function classifyBatch(
  answer: Answered,
  options: Omit<ClassifyOptions, "item"> & { readonly sent: readonly (Json | undefined)[] },
): Classified | ItemResults {
  const body = parseBody(answer);
  const rule = options.rules.find((candidate) => matchesRule(candidate, answer, body));
  const kind = rule?.as ?? classOfStatus(answer.status);
  const reason = rule?.reason === undefined ? undefined : reasonAt(body, rule.reason);
  const detail = reason === undefined ? `status ${answer.status}` : `status ${answer.status}: ${reason}`;
  const told = retryAfterMs({ headers: answer.headers, body }, options.retryAfter, options.now);
  const facts = { status: answer.status, detail, wait: told ?? durationOf(rule?.wait) };
  if (kind !== "per_item") return outcomeOf(kind, facts);
  if (options.items === undefined) return unreadable(answer.status);
  const outcomes = itemOutcomes(body, options.items, { ...facts, sent: options.sent });
  return outcomes === undefined ? unreadable(answer.status) : { kind: "items", outcomes };
}

const unreadable = (status: number): Outcome => ({
  kind: "unknown",
  detail: `status ${status}, without item results`,
});

function durationOf(text: string | undefined): number | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : undefined;
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

function reasonAt(body: Json | undefined, path: string): string | undefined {
  const value = valuesAt(body, path)[0];
  return typeof value === "string" || typeof value === "number" ? safeReason(String(value)) : undefined;
}
