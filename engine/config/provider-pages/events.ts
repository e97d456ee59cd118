/** What a provider's events are and how they come, in words: `events:`, `ack:`, `delivery:`, `handshake:` of its recipe. */
import type { HandshakeYaml } from "../../provider/events.schema.ts";
import type { RecipeYaml } from "../../provider/recipe.schema.ts";
import { dedupeWindowOf, HASH_WINDOW_MS } from "../compile/sources.ts";
import type { DocumentedRecipe } from "../recipes.ts";
import { bullets, code, codes, duration, listOf } from "./words.ts";

const TIME_UNITS = {
  s: "whole seconds",
  ms: "milliseconds",
  iso8601: "ISO 8601",
  http_date: "an HTTP date",
} as const;

/** Id, type, time and what else is known of an event. */
export function eventsMarkdown({ yaml, recipe }: DocumentedRecipe): string {
  const events = yaml.events ?? {};
  const { items, entity, tenant, version, thin, time, form_json_field: field, form_payload: payload } = events;
  const ids = listOf(events.id ?? "hash");
  const many =
    items === "." ? "the body is a list, each item an event" : `each item of ${code(items ?? "")} is an event`;
  const none = "none is known: an event counts as having happened when it came";
  return bullets([
    ...(field === undefined ? [] : [`**Payload**: JSON in the form field ${code(field)}, where the body is a form.`]),
    ...(payload === undefined ? [] : [`**Payload**: ${payload.format} in the form field ${code(payload.field)}.`]),
    ...(items === undefined ? [] : [`**Many in one request**: ${many}, accepted together or not at all.`]),
    `**Id**: ${idOf(ids)}`,
    `**Type**: ${events.type === undefined ? "every event is `event`" : codes(listOf(events.type), "or")}.`,
    `**Time**: ${time === undefined ? none : `${codes(listOf(time.from), "or")}, ${TIME_UNITS[time.unit ?? "iso8601"]}`}.`,
    ...(entity === undefined ? [] : [`**About**: ${entity.type}, ${code(entity.id)}.`]),
    ...(tenant === undefined ? [] : [`**Account**: ${code(tenant)}.`]),
    ...(version === undefined ? [] : [`**Version**: ${code(version)}.`]),
    ...(thin === true
      ? ["**Thin**: it names what changed and carries no data, which has to be [fetched](../thin-events.md)."]
      : []),
    `**Expressions** read below ${recipe.root === "" ? "the whole payload" : code(recipe.root)} unless the source names a \`root\`; times in it are ${PAYLOAD_TIMES[recipe.times]}.`,
  ]);
}

const PAYLOAD_TIMES = {
  seconds: "seconds since 1970",
  millis: "milliseconds since 1970",
  iso: "ISO 8601",
} as const;

function idOf(ids: readonly string[]): string {
  const HASH =
    "a hash of the content, which is remembered for a short while only, since two honest events may be equal";
  const named = ids.filter((id) => id !== "hash");
  if (named.length === 0) return `none; ${HASH}.`;
  const told = `${codes(named, "or")}${named.length > 1 ? ", the first whose parts are all there" : ""}`;
  return ids.includes("hash") ? `${told}; else ${HASH}.` : `${told}.`;
}

/** Between events of one instant, from earlier to later; empty where there are no ranks. */
export function ranksMarkdown({ events }: RecipeYaml): string {
  const ranks = events?.ranks ?? [];
  if (ranks.length === 0) return "";
  const rows = ranks.map((types, index) => `${index + 1}. ${listOf(types).map(code).join(", ")}`);
  return `Of two events of one entity and one instant, the one further down is the later. The longest pattern counts; what no line speaks of stands before all.\n\n${rows.join("\n")}`;
}

/** Questions it asks before it sends events. */
export function handshakesMarkdown({ handshake = [] }: RecipeYaml): string {
  return handshake.map((one) => `**${code(one.name)}**\n\n${bullets(handshakeLines(one))}`).join("\n\n");
}

function handshakeLines({ when, auth = "verify", reply, fetch, store }: HandshakeYaml): readonly string[] {
  const conditions = Object.entries(when).map(([ref, wanted]) => {
    if (typeof wanted === "string") return `${code(ref)} is ${code(wanted)}`;
    if ("exists" in wanted) return `${code(ref)} is ${wanted.exists ? "" : "not "}there`;
    return `${code(ref)} matches ${code(wanted.matches)}`;
  });
  const who =
    auth === "verify"
      ? "only a signed request is answered"
      : auth === "none"
        ? "anyone who asks, and no event is made of it"
        : `who knows the token: ${code(auth.token_equals.from)} has to equal the param ${code(auth.token_equals.param)}`;
  return [
    `**Asked when** ${conditions.join(" and ")}.`,
    `**Who is answered**: ${who}.`,
    `**Answer**: ${replyOf(reply)}.`,
    ...(fetch === undefined
      ? []
      : [`**Then called**: the URL in ${code(fetch.url)}, on ${codes(fetch.hosts, "or")} only.`]),
    ...(store === undefined
      ? []
      : [`**Kept**: the secret in ${code(store.secret)}; it counts once a person has accepted it.`]),
  ];
}

function replyOf({ status = 200, headers, text, json }: HandshakeYaml["reply"]): string {
  const sent = Object.entries(headers ?? {}).map(([name, value]) => code(`${name}: ${value}`));
  const body = text ?? (json === undefined ? undefined : JSON.stringify(json));
  return [String(status), ...sent, ...(body === undefined ? [] : [code(body)])].join(", ");
}

/** What it wants to hear for an event. */
export function replyMarkdown({ ack }: RecipeYaml): string {
  if (ack === undefined) return "Any 2xx will do: 202 for a new event, 200 for one that was there.";
  const { status = 200, body = "", content_type: type, refused_body: refused } = ack;
  const as = type === undefined ? "" : ` as ${code(type)}`;
  const told = body === "" ? "an empty body" : `exactly ${code(body)}${as}`;
  const no =
    refused === undefined
      ? ""
      : ` A refused request hears 401 with ${refused === "" ? "an empty body" : code(refused)}.`;
  return `It wants ${status} with ${told}, and gets that for new and repeated events alike.${no}`;
}

const ORDERS = {
  none: "no order is promised: [late events](../order-and-state.md) are told by their time",
  per_entity: "in order for one entity",
  sequence: "numbered",
} as const;

function rememberedOf({ yaml, recipe }: DocumentedRecipe): string {
  const ids = listOf(yaml.events?.id ?? "hash");
  const long = `ids for ${duration(dedupeWindowOf(recipe))}`;
  const short = `contents for ${duration(HASH_WINDOW_MS)}`;
  if (!ids.includes("hash")) return long;
  return ids.length === 1 ? short : `${long}, ${short}`;
}

/** How it delivers, as far as it is published. */
export function deliveryMarkdown(shipped: DocumentedRecipe): string {
  const {
    recipe: { delivery, accept },
    yaml,
  } = shipped;
  const { deadlineMs, retriesMs, retriesForMs, retryHeader, stopStatus, ordering } = delivery;
  const gaps = retriesMs.length === 0 ? "" : `after ${retriesMs.map(duration).join(", ")}`;
  const span = retriesForMs === undefined ? "" : `for ${duration(retriesForMs)} in all`;
  const again = [gaps, span].filter((text) => text !== "").join(", ") || "not known";
  const { max_body: size, content_types: types = [] } = yaml.accept ?? {};
  const codings = [...accept.contentEncodings];
  return bullets([
    `**Waits for an answer**: ${deadlineMs === undefined ? "not known" : duration(deadlineMs)}.`,
    `**Tries again**: ${again}.`,
    `**Remembered**: ${rememberedOf(shipped)}; \`dedupe:\` of a source says otherwise.`,
    `**Order**: ${ORDERS[ordering]}.`,
    ...(retryHeader === undefined ? [] : [`**Counts its retries** in the header ${code(retryHeader)}.`]),
    ...(stopStatus.length === 0 ? [] : [`**Gives up for good** at ${stopStatus.join(", ")}: never answered.`]),
    ...(types.length === 0 ? [] : [`**Content types**: ${codes(types, "or")}.`]),
    ...(size === undefined ? [] : [`**Largest body taken**: ${size}.`]),
    ...(codings.length === 0 ? [] : [`**Compressed** bodies: ${codes(codings, "or")}.`]),
  ]);
}
