/** The matrix of all providers: how each proves itself, and what its events allow. */
import type { DocumentedRecipe } from "../recipes.ts";
import { CONFIDENCE, providerPage } from "./page.ts";
import { hasAge, methodOf, signs } from "./signing.ts";
import { cell, duration, listOf } from "./words.ts";

/** Name below `docs/providers/` -> content. */
export function providerPages(recipes: readonly DocumentedRecipe[]): Readonly<Record<string, string>> {
  const pages = recipes.map((shipped) => [`${shipped.yaml.provider}.md`, providerPage(shipped)] as const);
  return { ...Object.fromEntries(pages), "README.md": indexPage(recipes) };
}

const COLUMNS = [
  "provider",
  "signature",
  "signed",
  "age",
  "handshake",
  "id",
  "time",
  "ranks",
  "waits",
  "tries for",
  "sure",
];

function indexPage(recipes: readonly DocumentedRecipe[]): string {
  const rows = recipes.map((shipped) => `| ${rowOf(shipped).map(cell).join(" | ")} |`);
  return `<!-- Generated from plugins/providers by \`npm run gen\`. -->
# Providers

${counted(recipes)} A provider that is not here is one file of your own, in
[this grammar](../reference/providers.md), or an [inline \`signature:\`](../sources-and-signatures.md#a-sender-of-your-own-signature).

On the pages \`header:NAME\`, \`query:NAME\`, \`body:PATH\`, \`part:NAME\` (of the signature's header) and \`claim:NAME\` (of a
token) say where something stands.

- **signed**: what the signature covers. **age**: whether a request grows too old; where not, a repeat is known by its id.
- **id**: the provider's own, put together from several parts, or a hash of the content (weakest: remembered for a short while only).
- **time**: the clock that orders events. **ranks**: which of two events of one instant is the later is known.
- **waits**, **tries for**: how long the provider waits for an answer, and goes on trying, where it is published.
- **sure**: what the signature and, behind the stroke, the delivery rest on. \`sdk\`: ${CONFIDENCE.sdk}. \`page\`: ${CONFIDENCE.page}.
  \`general\`: ${CONFIDENCE.general}.

| ${COLUMNS.join(" | ")} |
|${COLUMNS.map(() => "---").join("|")}|
${rows.join("\n")}
`;
}

function counted(recipes: readonly DocumentedRecipe[]): string {
  const own = recipes.filter((one) => one.own);
  const shipped = `${recipes.length - own.length} recipes are shipped.`;
  if (own.length === 0) return shipped;
  const names = own.map(({ yaml }) => `[${yaml.title}](${yaml.provider}.md)`).join(", ");
  return `${shipped} This installation's own: ${names}.`;
}

const TIMES = { s: "1 s", ms: "1 ms", iso8601: "ISO", http_date: "1 s" } as const;

function rowOf({ yaml, recipe }: DocumentedRecipe): readonly string[] {
  const { provider, title, verify, handshake = [], events = {}, confidence } = yaml;
  const { deadlineMs, retriesForMs } = recipe.delivery;
  const ms = (value: number | undefined) => (value === undefined ? "" : duration(value));
  return [
    `[${title}](${provider}.md)`,
    [...new Set(verify.map(methodOf))].join(" or "),
    [...new Set(verify.map(coverOf))].join(" or "),
    verify.every(hasAge) ? "yes" : "",
    handshake.map(({ name }) => `\`${name}\``).join(", "),
    idKindOf(listOf(events.id ?? "hash")),
    events.time === undefined ? "" : TIMES[events.time.unit ?? "iso8601"],
    events.ranks === undefined ? "" : "yes",
    ms(deadlineMs),
    ms(retriesForMs),
    confidence === undefined ? "" : `${confidence.signature} / ${confidence.delivery}`,
  ];
}

type Entry = DocumentedRecipe["yaml"]["verify"][number];

/** What of a request its signature covers, in a word or two. */
function coverOf(entry: Entry): string {
  if (!signs(entry)) return "nothing";
  if (entry.scheme === "jwt") return entry.claims?.body_hash === undefined ? "the token only" : "body";
  if (entry.per_item !== undefined) return "fields of each item";
  const parts = listOf(entry.message ?? "{raw_body}");
  const text = JSON.stringify(parts);
  const covered = [
    ...(/raw_body|form_sorted/.test(text) ? ["body"] : []),
    ...(/field_lines|join_fields|\{(body|form):/.test(text) ? ["fields"] : []),
    ...(text.includes("first_item") ? ["first event"] : []),
    ...(/"url"|\{url\}|received_url/.test(text) ? ["URL"] : []),
    ...(/signed_headers|\{header:/.test(text) ? ["headers"] : []),
    ...(/\{timestamp\}/.test(text) ? ["time"] : []),
  ];
  return covered.join(", ");
}

function idKindOf(ids: readonly string[]): string {
  const [first = "hash"] = ids;
  if (first === "hash") return "hash";
  return first.includes("{") ? "parts" : "own";
}
