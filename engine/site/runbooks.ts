/** Runbooks: a first page for a pipeline that has none, and links that lead nowhere. */
import { posix } from "node:path";
import type { PipelineModel, Revision } from "../config/revision.ts";
import { formatDuration } from "../core/duration.ts";
import type { SourcePosition } from "../core/types.ts";
import { alertWords, percent } from "./inventory.ts";

/** Reads a text file below the root; undefined when it is not there. */
export type ReadText = (path: string) => string | undefined;

export interface DocsFinding {
  readonly code: "HK8165" | "HK8166" | "HK8167";
  readonly data: Readonly<Record<string, string>>;
  readonly position: SourcePosition;
}

const isUrl = (target: string) => /^[a-z][a-z0-9+.-]*:/i.test(target);

/** Where a pipeline's runbook is written when it names none. */
export const runbookPathOf = (pipeline: PipelineModel): string =>
  pipeline.runbook ?? `docs/runbooks/${pipeline.name}.md`;

/** Pipelines without a runbook, runbooks that are not there, and links inside runbooks to files that are not there. */
export function runbookFindings(revision: Revision, read: ReadText): readonly DocsFinding[] {
  const found: DocsFinding[] = [];
  const files = new Map<string, SourcePosition>();
  const look = (what: string, runbook: string, position: SourcePosition) => {
    if (isUrl(runbook)) return;
    const file = clean(runbook);
    if (read(file) === undefined) found.push({ code: "HK8166", data: { what, path: runbook }, position });
    else files.set(file, { file, line: 1, column: 1 });
  };
  for (const pipeline of revision.pipelines) {
    if (pipeline.runbook === undefined)
      found.push({ code: "HK8165", data: { pipeline: pipeline.name }, position: pipeline.position });
    else look(`pipeline ${pipeline.name}`, pipeline.runbook, pipeline.position);
  }
  for (const alert of revision.alerts)
    if (alert.runbook !== undefined) look(`alert ${alert.name}`, alert.runbook, alert.position);
  return [...found, ...[...files.keys()].flatMap((file) => deadLinks(file, read))];
}

/** `docs/x.md#part` is `docs/x.md`. */
const clean = (path: string) => posix.normalize(path.replace(/[#?].*$/, ""));

function deadLinks(file: string, read: ReadText): readonly DocsFinding[] {
  const text = read(file) ?? "";
  return text.split("\n").flatMap((line, index) =>
    [...line.replace(/`[^`]*`/g, (code) => " ".repeat(code.length)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap((match) => {
      const target = match[1] ?? "";
      if (isUrl(target) || target.startsWith("#") || target.startsWith("/")) return [];
      const path = posix.join(posix.dirname(file), clean(target));
      // What lies outside the installation is not looked at.
      if (path.startsWith("..") || read(path) !== undefined) return [];
      const position = { file, line: index + 1, column: (match.index ?? 0) + 3 };
      return [{ code: "HK8167" as const, data: { page: file, target }, position }];
    }),
  );
}

/** A page to fill in: what is known is said, what only people know is asked for. */
export function runbookSkeleton(revision: Revision, pipeline: PipelineModel): string {
  const alerts = alertWords(revision, pipeline);
  const connections = [...new Set(pipeline.deliver.flat().map((entry) => entry.connection))];
  const about = pipeline.description === undefined ? "" : `${pipeline.description}. `;
  return `# ${pipeline.name}

**What it does.** ${about}Events come from ${pipeline.source.name}; they go to ${connections.join(", ") || "no connection"}.
Owner: ${pipeline.owner}. Target: delivered within ${formatDuration(pipeline.sla.lagMs)}, ${percent(pipeline.sla.objective)} of the time.
${alerts === "" ? "No alert is routed to the team yet." : `Failures: ${alerts}.`}

**Who can help.** Name a person or channel of ${pipeline.owner}, and who to ask at the sender.

**A dead letter.** \`hookrail dead list\` shows it, \`hookrail explain ID\` tells its story. Say here what usually causes one and
who decides. Mend the cause first; then \`hookrail dead retry ID\` maps the event anew.
${connections
  .map(
    (name) => `
**${name} does not answer.** Nothing is lost: deliveries wait and are tried again. \`hookrail status\` shows the connection.
After a 401 or 403 it is paused: renew the credential, then \`hookrail resume connection ${name}\`.
`,
  )
  .join("")}
**To stop it.** \`hookrail pause pipeline ${pipeline.name}\` holds its events, which wait; \`hookrail resume pipeline ${pipeline.name}\`
lets them go on. Say here who has to be told.
`;
}
