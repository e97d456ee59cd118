/** The files of a new installation for a provider and a sink, as text. */
import { parse } from "yaml";
import { shippedFiles } from "../config/shipped.ts";
import type { Recipe } from "../provider/recipe.ts";
import type { Draft, DraftField } from "./init-draft.ts";
import { firstSecret, keyForParam } from "./init-secret.ts";

export interface Wanted {
  readonly provider: string;
  readonly sink: string;
  readonly pipeline: string;
  readonly recipe: Recipe;
  readonly draft: Draft;
  readonly randomHex: (bytes: number) => string;
}

export interface InitFile {
  readonly text: string;
  readonly mode: number;
}

export type InitFiles = Readonly<Record<string, InitFile>>;

/** Everything but the runbook, which is written from the config once it can be read. */
export function filesFor(wanted: Wanted): InitFiles {
  const source = sourceOf(wanted);
  const sink = sinkOf(wanted);
  const variables = [...source.variables, ...sink.variables];
  const env = (note: string, value: (one: Variable) => string) => ({
    text: `# ${note}\n${variables.map((one) => `${one.name}=${value(one)}\n`).join("")}`,
  });
  const plain = (text: string): InitFile => ({ text, mode: 0o644 });
  return {
    "config.yaml": plain(configText(wanted, source, sink)),
    [`pipelines/${wanted.pipeline}.yaml`]: plain(pipelineText(wanted, sink)),
    [eventFile(wanted.draft)]: plain(`${JSON.stringify(wanted.draft.sample.body, undefined, 2)}\n`),
    ".env": { ...env("Values of this installation; git does not take this file.", (one) => one.value()), mode: 0o600 },
    ".env.example": {
      ...env("The names that are needed, with values that open nothing: for CI. Copy to .env and fill in.", (one) =>
        one.value(),
      ),
      mode: 0o644,
    },
    ".gitignore": plain(".env\ndata/\n"),
    ...Object.fromEntries(source.keys.map(({ file, make }) => [file, { text: make(), mode: 0o600 }])),
  };
}

/** The sample, to read and to change: `send --body` takes it. */
export const eventFile = (draft: Draft): string => `events/${draft.sample.name.replace(/[^A-Za-z0-9._-]/g, "-")}.json`;

interface Variable {
  readonly name: string;
  readonly value: () => string;
}

interface Source {
  readonly text: string;
  readonly variables: readonly Variable[];
  readonly keys: readonly { readonly file: string; readonly make: () => string }[];
}

const upper = (text: string) => text.replace(/[^A-Za-z0-9]+/g, "_").toUpperCase();

function sourceOf({ provider, recipe, randomHex }: Wanted): Source {
  const variables: Variable[] = [];
  const keys: { file: string; make: () => string }[] = [];
  const lines: string[] = [];
  const key = (what: string, make: () => string) => {
    const file = `keys/${provider}.${what}.pem`;
    keys.push({ file, make });
    return `"\${file:${file}}"`;
  };
  const variable = (name: string, value: () => string) => {
    variables.push({ name, value });
    return `"\${${name}}"`;
  };
  const secret = firstSecret(recipe);
  if (secret?.kind === "text")
    lines.push(`secrets: [${variable(`${upper(provider)}_SECRET`, () => secret.make(randomHex))}]`);
  if (secret?.kind === "key") {
    lines.push("# a key of your own, so that tests can sign; put the provider's public key here before it sends");
    lines.push(`secrets: [${key("dev", secret.make)}]`);
  }
  const params = [...recipe.params.values()].flatMap((param) => {
    const make = keyForParam(recipe, param.name);
    // Keys that are fetched need no param in the field; tests sign with a key of their own instead.
    if (make !== undefined)
      return [`  ${param.name}: ${key(param.name, make)}   # for tests; without it the provider's own is fetched`];
    if (!param.required && !(param.name === "url" && recipe.readsUrl)) return [];
    if (param.name === "url")
      return [`  url: https://hooks.example.com/hooks/${provider}   # as it is registered there`];
    const value = () =>
      param.name === "topic_arn" ? "arn:aws:sns:eu-west-1:123456789012:orders" : `given-${randomHex(8)}`;
    return [`  ${param.name}: ${variable(`${upper(provider)}_${upper(param.name)}`, value)}`];
  });
  if (params.length > 0) lines.push("params:", ...params);
  return { text: lines.map((line) => `    ${line}\n`).join(""), variables, keys };
}

interface Sink {
  readonly connection: string;
  readonly text: string;
  readonly deliver: string;
  readonly variables: readonly Variable[];
}

/** A delivery per sink where its default action asks for more than an entity. */
const DELIVER: Readonly<Record<string, string>> = {
  slack: 'action: post, channel: "#hookrail", once: true',
  pagerduty: "action: trigger, alert: new, once: true",
  zendesk: "action: ticket, subject: New, once: true",
  "standard-webhooks": "action: event, event: customer.changed",
};

/** What attributes are called at sinks that take names of a shape of their own; to be put right by who knows them. */
const NAMES: Readonly<Record<string, (attribute: string, index: number) => string>> = {
  activecampaign: (_, index) => JSON.stringify(String(index + 1)),
  mailchimp: (attribute) => attribute.toUpperCase().slice(0, 10),
  pipedrive: (_, index) =>
    JSON.stringify(
      String(index + 1)
        .repeat(40)
        .slice(0, 40),
    ),
};

/** A line with a comment, where the comments of the file begin. */
function noted(line: string, note: string): string {
  return `${line.padEnd(42)} # ${note}`;
}

/** Lines of a connection beside its sink's settings. */
const EXTRA: Readonly<Record<string, string>> = {
  slack: `\n${noted("    at_most_once: true", "rather none than two")}`,
};

function sinkOf({ sink, draft }: Wanted): Sink {
  const plain = (text: string): Sink => ({ connection: "crm", text, deliver: "", variables: [] });
  if (sink === "sql")
    return {
      ...plain('sink: sql\n    url: "sqlite:./data/crm.db"      # a SQLite file, one table per entity'),
      connection: "local",
    };
  if (sink === "file")
    return { ...plain("sink: file\n    path: ./data/outbox/crm.ndjson   # one line a delivery"), connection: "outbox" };
  if (sink === "http")
    return {
      ...plain(
        'sink: http\n    url: https://crm.example.com/customers/{entity.key}   # where it goes; {parts} are percent-encoded\n    method: PUT\n    auth: { kind: bearer, token: "${CRM_TOKEN}" }',
      ),
      variables: [{ name: "CRM_TOKEN", value: () => "replace-me" }],
    };
  const preset = parse(shippedFiles.read(`plugins/sinks/${sink}.yaml`) ?? "{}") as Preset;
  const variables: Variable[] = [];
  const settings = Object.entries(preset.settings ?? {}).flatMap(([name, { required, example }]) => {
    const value = String(example ?? "");
    if (required !== true && !(name === "account" || name === "data_plane" || name === "subdomain")) return [];
    const reference = /^\$\{(\w+)\}$/.exec(value)?.[1];
    if (reference !== undefined)
      variables.push({ name: reference, value: () => PLACEHOLDERS[sink]?.[name] ?? "replace-me" });
    return [`\n    ${name}: ${value.includes("${") || /[:#]/.test(value) ? `"${value}"` : value}`];
  });
  const naming = NAMES[sink];
  const pairs = attributesOf(draft).map(({ attribute }, index) => `${attribute}: ${naming?.(attribute, index)}`);
  const names =
    naming === undefined
      ? ""
      : `\n    attribute_names: { ${pairs.join(", ")} }   # what they are called there: put in yours`;
  return {
    connection: sink.replaceAll(".", "-"),
    text: `sink: ${sink}${settings.join("")}${EXTRA[sink] ?? ""}${names}`,
    deliver: DELIVER[sink] ?? "",
    variables,
  };
}

interface Preset {
  readonly settings?: Readonly<Record<string, { readonly required?: boolean; readonly example?: unknown }>>;
}

/** Placeholders where a secret has a form of its own. */
const PLACEHOLDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "standard-webhooks": { secret: "whsec_cmVwbGFjZS1tZS1yZXBsYWNlLW1l" },
};

const ENTITY = "customer";
const TEAM = "revenue-ops";

/** Sinks that know people by their address want it among the ids. */
const BY_EMAIL = new Set(["mailchimp", "activecampaign"]);

function idName({ sink, provider }: Wanted): string {
  return BY_EMAIL.has(sink) ? "email" : `${provider.replace(/[^a-z0-9]+/g, "_")}_id`;
}

function configText(wanted: Wanted, source: Source, sink: Sink): string {
  const { provider, draft, recipe } = wanted;
  const reads = recipe.root === "" ? "the whole payload" : `below \`${recipe.root}\``;
  const rows = attributesOf(draft).map(
    ({ attribute, value }) => `      ${attribute}: ${declaration(attribute, value)}\n`,
  );
  return `# The installation: who may write what, where events come in, where they go. \`hookrail check\` reads all of it.
description: Events of ${recipe.title.replace(/[:#]/g, "")} into ${wanted.sink}
environment: dev
env_file: .env                             # secrets; the real environment wins over it
store: sqlite:./data/hookrail.db
teams:
  ${TEAM}: {}
sources:
  ${name(provider)}:
${noted(`    provider: ${name(provider)}`, "the recipe knows signature, id, type and time")}
${noted(`    path: /hooks/${provider}`, `expressions read ${reads}`)}
${source.text}entities:
  ${ENTITY}:
    ids: [${idName(wanted)}]
    attributes:
${rows.join("")}connections:
  ${sink.connection}:
    ${sink.text}
seed: none                                 # nothing is known of old customers here
`;
}

/** Without a single field to map: what happened last. */
function attributesOf(draft: Draft): readonly DraftField[] {
  return draft.fields.length > 0 ? draft.fields : [{ path: "", attribute: "last_event", value: draft.eventType }];
}

function declaration(attribute: string, value: DraftField["value"]): string {
  const type = typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value;
  const sensitive =
    /mail|name|phone|address|description/.test(attribute) && type === "string" ? ", sensitive: true" : "";
  return `{ type: ${type}, owner: ${TEAM}${sensitive} }`;
}

const name = (text: string) =>
  /^[a-z][a-z0-9_-]*$/.test(text) && !["null", "true", "false", "yes", "no"].includes(text)
    ? text
    : JSON.stringify(text);
const scalar = (value: DraftField["value"]) => (typeof value === "string" ? JSON.stringify(value) : String(value));

function pipelineText({ pipeline, provider, draft, recipe }: Wanted, sink: Sink): string {
  const { key, sample, eventType } = draft;
  const keyText = String(key.value);
  const keyPath = typeof key.value === "number" ? `$string(${key.path})` : key.path;
  const attributes = attributesOf(draft);
  const fields = attributes.map(
    ({ attribute, path, value }) => `          ${attribute}: ${path === "" ? `{ value: ${scalar(value)} }` : path}\n`,
  );
  const expected = attributes.map(({ attribute, value }) => `${attribute}: ${scalar(value)}`).join(", ");
  const expect = `    expect: { ${ENTITY}: { ${JSON.stringify(keyText)}: { ${expected} } } }\n`;
  const first = attributes.find(({ path }) => path !== "");
  const partial =
    first === undefined
      ? ""
      : `  - name: ${first.attribute} missing -> it stays
    events: [${scalar(sample.name)}, { sample: ${scalar(sample.name)}, at: +1m, remove: [${scalar(first.path)}] }]
${expect}`;
  return `pipeline: ${name(pipeline)}
description: ${JSON.stringify(`${recipe.title}: ${eventType} -> the customer is written`)}
owner: ${TEAM}
runbook: docs/runbooks/${pipeline}.md
source: ${name(provider)}
sla: { lag: 60s, objective: 99.9% }
rules:                                     # top to bottom; only the first rule that matches an event is used
  - on: ${scalar(eventType)}
    write:
      ${ENTITY}:
        key: ${keyPath}
        fields:                            # absent or null: what is stored is kept
${fields.join("")}deliver:
  - { to: ${sink.connection}, entity: ${ENTITY}${sink.deliver === "" ? "" : `, ${sink.deliver}`} }
tests:
  - name: ${JSON.stringify(`${eventType} -> written`)}
    events: [${scalar(sample.name)}]
${expect}${partial}`;
}
