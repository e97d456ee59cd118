/** The reference pages (`docs/reference/*.md`), made from the schema: every key with its type, default and meaning. */
import { guaranteeName, sinkGuarantee } from "../../delivery/guarantee.ts";
import type { Preset, SinkDescriptor } from "../../plugin/index.ts";
import { isNode, type SchemaNode } from "../annotations.ts";
import { withPresetSpecs, withPresets } from "../presets.ts";
import { expectedOf, kindWords } from "../validate-words.ts";
import { configSchema } from "./config.schema.ts";
import { type FileKind, schemaOf } from "./editor.ts";
import { presetsMarkdown } from "./presets-page.ts";

const PAGES: Readonly<Record<FileKind, { readonly file: string; readonly title: string; readonly intro: string }>> = {
  config: {
    file: "config.md",
    title: "`config.yaml`",
    intro: "The installation: where it listens and keeps its data, and everything pipelines refer to by name.",
  },
  pipeline: {
    file: "pipelines.md",
    title: "`pipelines/*.yaml`",
    intro:
      "What one team does with the events of one source. A file may hold several, each a document of its own (`---`).",
  },
  contract: {
    file: "contracts.md",
    title: "`pipelines/contracts/PROVIDER/VERSION.yaml`",
    intro: "One version of a provider's payloads.",
  },
  provider: {
    file: "providers.md",
    title: "`plugins/providers/*.yaml`",
    intro:
      "A recipe: how to verify, identify and answer one kind of sender. `signature:` of a source is written in the same grammar.",
  },
  sink: {
    file: "sinks.md",
    title: "`plugins/sinks/*.yaml`",
    intro: "A preset: how to write to one kind of destination over HTTP.",
  },
};

/** Page name -> Markdown. `sinks` and the shipped ones get a page of their own settings and actions; `presets` win over shipped ones. */
export function referenceMarkdown(
  sinks: readonly SinkDescriptor[] = [],
  presets: readonly Preset[] = [],
): Readonly<Record<string, string>> {
  const told = new Map<string, Told>();
  // In this order, so that a grammar is told where it belongs and referred to where it is used.
  const order: readonly FileKind[] = ["provider", "sink", "contract", "config", "pipeline"];
  const pages: Record<string, string> = Object.fromEntries(order.map((kind) => [PAGES[kind].file, page(kind, told)]));
  pages["connections.md"] = connectionsPage(withPresets(sinks));
  pages["presets.md"] = `${GENERATED}${presetsMarkdown(withPresetSpecs(presets))}`;
  pages["README.md"] = indexPage();
  return pages;
}

function indexPage(): string {
  const kinds = Object.values(PAGES).map(({ file, title, intro }) => `- [${title}](${file}): ${intro}`);
  const more = [
    "- [Connections](connections.md): settings and actions of the shipped sinks.",
    "- [Presets](presets.md): what the shipped presets know of each vendor's API: limits, repeats, blanking, answers.",
  ];
  return `${GENERATED}# Reference\n\n${[...kinds, ...more].join("\n")}\n\nPaths are relative to the folder of \`config.yaml\` and may not leave it. Keys that start with \`x-\` are free for notes.\n`;
}

const GENERATED = "<!-- Generated from the schema by `npm run gen`. -->\n";

/** Where a mapping has been described, by the text of its properties. */
interface Told {
  readonly file: string;
  readonly path: readonly string[];
}

function page(kind: FileKind, told: Map<string, Told>): string {
  const { title, intro, file } = PAGES[kind];
  const page: Page = { file, told, sections: [] };
  collect({ path: [], schema: toNode(kind === "config" ? configSchema : schemaOf(kind)) }, page);
  return `${GENERATED}# ${title}\n\n${intro}\n\n${page.sections.join("\n")}`;
}

interface Page {
  readonly file: string;
  readonly told: Map<string, Told>;
  readonly sections: string[];
}

const toNode = (schema: unknown): SchemaNode => (isNode(schema) ? schema : {});

interface Section {
  readonly path: readonly string[];
  readonly schema: SchemaNode;
}

/** Every mapping on the way down is a section; one that has been told is only referred to. */
function collect(section: Section, page: Page): void {
  const { schema, path } = section;
  const properties = schema["properties"];
  if (isNode(properties)) {
    const key = JSON.stringify(properties);
    const before = page.told.get(key);
    if (before !== undefined) {
      page.sections.push(referral(section, before, page.file));
      return;
    }
    page.told.set(key, { file: page.file, path });
    page.sections.push(renderSection(section));
    for (const [name, member] of Object.entries(properties))
      collect({ path: [...path, name], schema: toNode(member) }, page);
  }
  for (const branch of unionOf(schema)) if (isComposite(branch)) collect({ path, schema: branch }, page);
  if (isNode(schema["items"])) collect({ path: extend(path, "[]"), schema: schema["items"] }, page);
  for (const member of mapMembers(schema)) collect({ path: [...path, "NAME"], schema: member }, page);
}

function referral({ path }: Section, before: Told, file: string): string {
  const where = before.file === file ? "" : ` in [${before.file}](${before.file})`;
  const what = before.path.length === 0 ? "the file" : `\`${before.path.join(".")}\``;
  return `## \`${path.join(".")}\`\n\nAs ${what}${where}.\n`;
}

const extend = (path: readonly string[], suffix: string) => [...path.slice(0, -1), `${path.at(-1) ?? ""}${suffix}`];

function unionOf(schema: SchemaNode): readonly SchemaNode[] {
  const { anyOf } = schema;
  return Array.isArray(anyOf) ? anyOf.filter(isNode) : [];
}

const isComposite = (schema: SchemaNode) =>
  isNode(schema["properties"]) ||
  isNode(schema["items"]) ||
  mapMembers(schema).length > 0 ||
  unionOf(schema).length > 0;

function mapMembers(schema: SchemaNode): readonly SchemaNode[] {
  const patterns = isNode(schema["patternProperties"]) ? Object.values(schema["patternProperties"]) : [];
  return [...patterns, schema["additionalProperties"]].filter(isNode);
}

function renderSection({ path, schema }: Section): string {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const rows = Object.entries(toNode(schema["properties"])).map(([key, member]) => {
    const node = toNode(member);
    return `| \`${key}\` | ${typeText(node)} | ${required.includes(key) ? "yes" : ""} | ${cell(describe(node))} |`;
  });
  const title = path.length === 0 ? "" : `## \`${path.join(".")}\`\n\n`;
  const about = typeof schema["description"] === "string" && path.length > 0 ? `${schema["description"]}\n\n` : "";
  return `${title}${about}| key | value | needed | meaning |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function describe(node: SchemaNode): string {
  const text = typeof node["description"] === "string" ? node["description"] : "";
  return "x-later" in node ? `${text} *Not in this version yet.*` : text;
}

function typeText(node: SchemaNode): string {
  if (node["x-expression"] === true) return "expression";
  if (node["x-secret"] === true) return "secret";
  if (Array.isArray(node["enum"])) return node["enum"].map((value) => `\`${String(value)}\``).join(" ");
  if ("const" in node) return `\`${String(node["const"])}\``;
  const union = unionOf(node);
  if (union.length > 0) return [...new Set(union.map(typeText))].join(" or ");
  if (isNode(node["items"])) return `list of ${typeText(node["items"])}`;
  if (isNode(node["properties"])) return "mapping";
  if (kindWords(node).includes("object")) return "mapping by name";
  return cell(
    (typeof node["x-expects"] === "string" ? node["x-expects"] : (expectedOf(node) ?? "any value")).replace(
      /,? such as .*$/,
      "",
    ),
  );
}

/** One table cell: no bars, no line breaks. */
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

function connectionsPage(sinks: readonly SinkDescriptor[]): string {
  return `${GENERATED}# Connections\n\nSettings and actions of the shipped sinks. The keys every connection takes are under [\`connections\`](config.md).\n\n${sinks.map(sinkSection).join("\n")}`;
}

function sinkSection(sink: SinkDescriptor): string {
  const settings = renderSection({
    path: [sink.name],
    schema: { ...toNode(sink.config), description: sink.summary },
  });
  const actions = Object.entries(sink.actions).map(([name, action]) => {
    const params = Object.keys(toNode(toNode(action.params)["properties"]));
    const fields = action.openParams === true ? "any" : params.map((param) => `\`${param}\``).join(" ");
    return `| \`${name}\`${name === sink.defaultAction ? " (default)" : ""} | ${action.kind} | ${cell(guaranteeName(sinkGuarantee(sink, name)))} | ${fields} | ${cell(action.summary)} |`;
  });
  return `${settings}\n| action | kind | promise | fields | meaning |\n|---|---|---|---|---|\n${actions.join("\n")}\n`;
}
