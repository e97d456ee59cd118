/** The same documents as Markdown, for reading in a repository: overview with the graph, mapping table, events, states. */
import type { Revision } from "../config/revision.ts";
import { codeSpan, markdown } from "./escape.ts";
import { overviewGraph } from "./graph.ts";
import type { InventoryLine } from "./inventory.ts";
import type { MappingLine } from "./mapping-table.ts";
import { mermaidGraph, mermaidStates } from "./mermaid.ts";

export interface MarkdownData {
  readonly revision: Revision;
  readonly mapping: readonly MappingLine[];
  readonly events: readonly InventoryLine[];
  readonly toRoot: string;
  readonly name: string;
}

const NOTE = "<!-- Made from the configuration by `hookrail docs`. Changes belong into the YAML files. -->\n";

export function markdownPages(data: MarkdownData): Readonly<Record<string, string>> {
  return {
    "README.md": overview(data),
    "mapping.md": mappingPage(data),
    "events.md": eventsPage(data),
    "states.md": statesPage(data.revision),
  };
}

function grid(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const codes = (texts: readonly string[]): string => texts.map(codeSpan).join(", ");
const link = (words: string, target: string): string => `[${markdown(words)}](${encodeURI(target)})`;

function runbook({ toRoot }: MarkdownData, path: string | undefined): string {
  if (path === undefined || path === "") return "**none**";
  if (/^https?:/i.test(path)) return link(path, path);
  return /^[a-z][a-z0-9+.-]*:/i.test(path) ? markdown(path) : link(path, `${toRoot}${path}`);
}

function overview(data: MarkdownData): string {
  const { revision, name } = data;
  const pipelines = revision.pipelines.map((one) => [
    markdown(one.name),
    markdown(one.description ?? ""),
    markdown(one.owner),
    markdown(one.source.name),
    runbook(data, one.runbook),
  ]);
  return `${NOTE}
# ${markdown(name)}

[Mapping table](mapping.md) · [Events](events.md) · [States](states.md) · [the graph as a picture](graph.svg)

${grid(["pipeline", "what it does", "owner", "source", "runbook"], pipelines)}

\`\`\`mermaid
${mermaidGraph(overviewGraph(revision))}
\`\`\`
`;
}

function mappingPage({ mapping }: MarkdownData): string {
  const rows = mapping.map((line) => [
    `${codeSpan(`${line.entity}.${line.attribute}`)}${marks(line)}`,
    line.pipeline === undefined ? "" : `${markdown(line.pipeline)}: ${codes(line.events)}`,
    codes(line.upstream),
    codeSpan(line.from),
    markdown(line.owner),
    markdown(line.missing),
    markdown(line.onNull),
    markdown(line.invalid),
    markdown(line.write),
    line.position === undefined ? "" : `${line.position.file}:${line.position.line}`,
  ]);
  const heads = [
    "attribute",
    "pipeline: events",
    "upstream field",
    "how",
    "owner",
    "missing",
    "null",
    "invalid",
    "of several",
    "where",
  ];
  return `${NOTE}
# Mapping table

Where each attribute comes from, whose it is, and what happens when the upstream field is missing, null or not of its type.

${grid(heads, rows)}
`;
}

function marks(line: MappingLine): string {
  const words = [
    ...(line.kind === "attribute" ? [] : [line.kind]),
    ...(line.protected ? ["**protected**"] : []),
    ...(line.sensitive ? ["sensitive"] : []),
    ...(line.lowers ? ["**may be lowered here**"] : []),
  ];
  return words.length === 0 ? "" : `<br>${words.join(", ")}`;
}

function eventsPage(data: MarkdownData): string {
  const rows = data.events.map((line) => [
    codeSpan(line.event),
    `${markdown(line.pipeline)}${line.enabled ? "" : " (off)"}`,
    codeSpan(line.when),
    payload(line),
    markdown(line.owner),
    line.alerts === "" ? "**nowhere**" : markdown(line.alerts),
    `${line.lag}, ${line.objective}`,
    runbook(data, line.runbook),
    markdown(line.entities.join(", ")),
    markdown(line.connections.join(", ")),
  ]);
  const heads = [
    "event",
    "pipeline",
    "only when",
    "payload",
    "owner",
    "failures are told",
    "target",
    "runbook",
    "writes",
    "goes to",
  ];
  return `${NOTE}
# Events

Which events come in, what shows their payload, who owns them, where failures are told, and how fast they have to arrive.

${grid(heads, rows)}
`;
}

function payload(line: InventoryLine): string {
  const contract = line.contract === "" ? [] : [`contract ${markdown(line.contract)}`];
  const samples = line.samples.map((name) => `sample ${codeSpan(`${line.provider}/${name}`)}`);
  return [...contract, ...samples].join("<br>") || "**undocumented**";
}

function statesPage(revision: Revision): string {
  const parts = [...revision.entities.values()].flatMap((entity) => {
    const drawn = mermaidStates(entity);
    if (drawn === undefined) return [];
    const about =
      entity.transitions === undefined
        ? "Every move between them is allowed."
        : "The moves that are allowed are drawn.";
    const listed = `States, low to high: ${codes(entity.states)}. ${about}`;
    return [`## ${markdown(entity.name)}\n\n${listed}\n\n\`\`\`mermaid\n${drawn}\n\`\`\`\n`];
  });
  return `${NOTE}\n# States\n\n${parts.length === 0 ? "No entity has states.\n" : parts.join("\n")}`;
}
