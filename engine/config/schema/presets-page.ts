/** The page of the shipped presets: what each knows of its vendor's API, in words for people who run it. */
import type { Json } from "../../core/types.ts";
import type { ResponseRule, RetryAfterSpec } from "../../plugin/answers.schema.ts";
import type { AuthSpec } from "../../plugin/http.schema.ts";
import type { Preset, PresetAction, RequestParts } from "../../plugin/preset.schema.ts";

const INTRO = `What the shipped presets know of each vendor's API: how a value is blanked, what a repeat does, how many at a time, and
what an answer means. Settings and actions for \`config.yaml\` are under [connections](connections.md), the grammar is
[here](sinks.md). Rows of "answers" are tried from the top; what no row speaks of is judged
[as everywhere](../sinks.md#what-all-of-them-do).`;

/** Markdown of all of them, below the first heading. */
export function presetsMarkdown(presets: readonly Preset[]): string {
  return `# Presets\n\n${INTRO}\n\n${presets.map(section).join("\n")}`;
}

function section(preset: Preset): string {
  const checked = preset.verified_on === undefined ? "" : `, checked ${preset.verified_on}`;
  const source = preset.docs === undefined ? "" : ` From [the vendor's page](${preset.docs})${checked}.`;
  const facts = factsOf(preset).map(([name, text]) => `| ${name} | ${cell(text)} |`);
  const actions = Object.entries(preset.actions).map(([name, action]) => actionRow(name, action, preset));
  const answers = answersOf(preset);
  const told =
    answers.length === 0
      ? ""
      : `\n| answers of | status | and | mean | shown of it |\n|---|---|---|---|---|\n${answers.join("\n")}\n`;
  return `## \`${preset.sink}\`\n\n${preset.summary}${source}\n\n| | |\n|---|---|\n${facts.join("\n")}\n
| action | request | identity | sent twice | together |\n|---|---|---|---|---|\n${actions.join("\n")}\n${told}`;
}

function factsOf(preset: Preset): (readonly [string, string])[] {
  const { names, max_value_bytes: most, retry_after: waits = [] } = preset;
  const writes = [
    ["attribute not named", "stays as it is"],
    ["attribute cleared", CLEARED[preset.clear ?? "null"]],
    ["values", valuesOf(preset.types ?? {})],
  ] as const;
  return [
    ...(Object.values(preset.actions).some(({ kind }) => kind === "upsert") ? writes : []),
    ...(names === undefined ? [] : [["names there", namesOf(names)] as const]),
    ...(most === undefined ? [] : [["longest text", `${most} bytes`] as const]),
    ["credential", credentialOf(preset.auth ?? { kind: "none" })],
    ["limits", limitsOf(preset)],
    ["waits as told by", [...waits.map(waitOf), "`retry-after`"].filter(unique).join(", then ")],
  ];
}

function namesOf(names: NonNullable<Preset["names"]>): string {
  if (typeof names === "string") return `\`${names}\``;
  return Object.entries(names.patterns)
    .map(([kind, pattern]) => `${kind}: \`${pattern}\``)
    .join("; ");
}

const unique = (text: string, index: number, all: readonly string[]) => all.indexOf(text) === index;

const CLEARED = {
  null: "sent as `null`",
  empty: 'sent as an empty text, `""`',
  list: "named in a list of what is to go",
  none: "refused: there is no way to say it",
} as const satisfies Record<NonNullable<Preset["clear"]>, string>;

const TIMES = {
  iso: "ISO 8601",
  iso_seconds: "ISO 8601 in whole seconds",
  epoch_seconds: "seconds since 1970",
  epoch_millis: "milliseconds since 1970",
  epoch_millis_text: "milliseconds since 1970, as text",
  date: "YYYY-MM-DD",
} as const;

function valuesOf({ boolean, number, time, structured }: NonNullable<Preset["types"]>): string {
  const texts = [...(boolean === "text" ? ["booleans"] : []), ...(number === "text" ? ["numbers"] : [])];
  const lists = { json: "as they are", text: "as JSON text", none: "refused" }[structured ?? "json"];
  const asText = texts.length === 0 ? "" : `${texts.join(" and ")} as text; `;
  return `${asText}times as ${TIMES[time ?? "iso"]}; lists and objects ${lists}`;
}

function credentialOf(auth: AuthSpec): string {
  switch (auth.kind) {
    case "none":
      return "none";
    case "basic":
      return `HTTP Basic: \`${auth.user}\`${auth.password === undefined ? "" : `, \`${auth.password}\``}`;
    case "bearer":
      return `bearer token: \`${auth.token}\``;
    case "header":
      return `header \`${auth.header.toLowerCase()}\`: \`${auth.value}\``;
    case "body_field":
      return `in the body, \`${auth.field}\`: \`${auth.value}\``;
    case "query":
      return `in the query, \`${auth.parameter}\`: \`${auth.value}\``;
    case "url":
      return `the URL itself: \`${auth.url}\``;
    case "oauth2":
      return `OAuth 2.0, ${auth.grant.replaceAll("_", " ")}; a refused token is renewed once in the same attempt`;
    case "hmac":
      return `a signature over the body: \`${auth.secret}\``;
    case "sigv4":
      return "AWS Signature Version 4";
  }
}

function limitsOf({ limits = [], concurrency }: Preset): string {
  const rates = limits.map(({ rate, scope = "account", cost }) =>
    cost === undefined ? `${rate} (${scope})` : `${rate} (${scope}), ${cost} for a request`,
  );
  const at = concurrency === undefined ? [] : [`${concurrency} at one time`];
  return [...rates, ...at].join(", ") || "none known";
}

const FORMS = {
  http: "",
  seconds: "",
  seconds_or_epoch: " (seconds, or since 1970)",
  date: "",
  epoch_seconds: " (since 1970)",
  epoch_millis: " (milliseconds since 1970)",
  millis: " (milliseconds)",
} as const satisfies Record<RetryAfterSpec["form"], string>;

const waitOf = ({ header, body, form }: RetryAfterSpec) =>
  header === undefined ? `\`${body}\` of the body${FORMS[form]}` : `\`${header}\`${FORMS[form]}`;

function actionRow(name: string, action: PresetAction, preset: Preset): string {
  const title = `\`${name}\`${name === preset.default_action ? " (default)" : ""}`;
  const who = (action.identity ?? []).map((source) => `\`${source}\``).join(", ");
  const { batch } = action;
  const flush = batch?.flush === undefined ? "" : `, the first waits ${batch.flush}`;
  const many = batch === undefined ? "one" : `up to ${batch.max_items}${flush}`;
  const cells = [title, requestOf(action), who, twiceOf(action, preset), many].map(cell);
  return `| ${cells.join(" | ")} |`;
}

function requestOf(action: PresetAction): string {
  const { steps } = action;
  if (steps === undefined) return lineOf(action);
  return `${lineOf(steps.lookup)}, then ${lineOf(steps.update)} or ${lineOf(steps.create)}`;
}

const lineOf = ({ method = "POST", path = "" }: RequestParts) => `\`${`${method} ${path}`.trim()}\``;

function twiceOf({ replay, kind }: PresetAction, { idempotency_window: window }: Preset): string {
  if (replay === "safe") return "ends the same";
  if (replay === "dedup_key") return window === undefined ? "counts once" : `counts once within ${window}`;
  return kind === "upsert" ? "may make two records" : "acts twice";
}

function answersOf({ actions, responses = [] }: Preset): string[] {
  const own = Object.entries(actions).flatMap(([name, action]) =>
    (action.responses ?? []).map((rule) => answerRow(`\`${name}\``, rule, action)),
  );
  return [...own, ...responses.map((rule) => answerRow("all", rule))];
}

const MEANINGS = {
  delivered: "delivered",
  repeated: "was done before: delivered, without effect",
  permanent: "dead letter",
  retry: "tried again",
  throttle: "the connection waits",
  refresh_auth: "a new token, then again",
  pause: "the connection pauses",
  dead_and_pause: "dead letter, and the connection pauses",
  unknown: "outcome unknown",
  per_item: "each item by its own result",
} as const satisfies Record<ResponseRule["as"], string>;

function answerRow(of: string, rule: ResponseRule, action?: PresetAction): string {
  const statuses = rule.status === undefined ? "any" : [rule.status].flat().join(", ");
  const again = action?.items?.retry?.map((code) => `\`${code}\``).join(", ");
  const items = rule.as === "per_item" && again !== undefined ? ` (${again}: tried again)` : "";
  const wait = rule.wait === undefined ? "" : `, ${rule.wait} where it does not say how long`;
  const shown = rule.reason === undefined ? "" : `\`${rule.reason}\``;
  const cells = [of, statuses, conditionOf(rule), `${MEANINGS[rule.as]}${items}${wait}`, shown];
  return `| ${cells.map(cell).join(" | ")} |`;
}

function conditionOf({ body, header }: ResponseRule): string {
  const parts: string[] = [];
  if (body !== undefined) {
    const what = body.path === undefined ? "the body" : `\`${body.path}\``;
    if (body.equals !== undefined) parts.push(`${what} is ${shown(body.equals)}`);
    if (body.in !== undefined) parts.push(`${what} is one of ${body.in.map(shown).join(", ")}`);
    if (body.matches !== undefined) parts.push(`${what} matches \`${body.matches}\``);
    if (body.exists !== undefined) parts.push(`${what} is ${body.exists ? "" : "not "}there`);
  }
  if (header !== undefined) {
    const is = header.equals === undefined ? "is there" : `is \`${header.equals}\``;
    parts.push(`header \`${header.name}\` ${header.matches === undefined ? is : `matches \`${header.matches}\``}`);
  }
  return parts.join(" and ");
}

const shown = (value: Json) => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

/** One table cell: no bars, no line breaks. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
