/** `hookrail explain HK1234 | EVENT | entity:key.attribute`: a code's page, an event's story, a value's lineage. */
import { Command } from "commander";
import type { Revision } from "../config/revision.ts";
import { type ErrorCode, type ErrorEntry, errorCatalogue, fail } from "../core/errors.ts";
import { guaranteeOf, guaranteeText } from "../delivery/guarantee.ts";
import {
  lineageDocument,
  type Sensitivity,
  SHOW_ALL,
  sensitivityOf,
  shownRef,
  shownValue,
  storyDocument,
} from "../http/documents.ts";
import type { LineageRow } from "../store/store.ts";
import { tryLoadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { renderStory } from "./explain-story.ts";
import { formatTable, formatTime, formatValue, plainText, printJson, suggest } from "./format.ts";
import { findPlace } from "./installation.ts";
import type { View } from "./remote-view.ts";
import { withView } from "./stored.ts";
import { onAction, type Verb } from "./verb.ts";

export const explainVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("explain")
      .description("an error code's page, an event's whole story, or where a value came from")
      .argument("<what>", "HK1234, an event's id, or entity:key.attribute such as customer:cus_1.tier")
      .option("--json", "machine output"),
    action(async ({ args: [what = ""], options }) => {
      const json = options["json"] === true;
      if (/^hk\d+$/i.test(what)) return explainCode(cli, what.toUpperCase(), json);
      const place = findPlace(cli, globals());
      const revision = place.remote === undefined ? await tryLoadRevision(cli, place.configPath) : undefined;
      const sensitive = place.remote === undefined ? sensitivityOf(revision?.entities) : SHOW_ALL;
      const attribute = parseLineage(what);
      const explained = { cli, json, sensitive, revision };
      return withView(cli, place, (view) =>
        attribute === undefined ? explainEvent(view, what, explained) : explainAttribute(view, attribute, explained),
      );
    }),
  );

interface Explained {
  readonly cli: Cli;
  readonly json: boolean;
  readonly sensitive: Sensitivity;
  readonly revision: Revision | undefined;
}

async function explainEvent(view: View, id: string, { cli, json, sensitive, revision }: Explained): Promise<number> {
  const story = await view.story(id);
  if (story === undefined) return fail("HK8003", { id });
  if (json) {
    printJson(cli, { event: storyDocument(story, sensitive) });
    return EXIT.ok;
  }
  const guarantee = (name: string, action: string) => {
    const connection = revision?.connections.get(name);
    return connection === undefined ? undefined : guaranteeText(guaranteeOf(connection, action));
  };
  cli.out.write(renderStory(story, { out: cli.out, sensitive, guarantee }));
  const open = story.deadLetters.find((letter) => letter.status === "open");
  if (open !== undefined) suggest(cli, `dead retry ${open.id}`, `explain ${open.code}`);
  return EXIT.ok;
}

interface AttributeName {
  readonly type: string;
  readonly key: string;
  readonly attribute: string;
}

/** `customer:cus_1.tier`; the key may hold dots and colons, the names may not. */
export function parseLineage(text: string): AttributeName | undefined {
  const match = /^([a-z][a-z0-9_-]*):(.+)\.([a-z][a-z0-9_-]*)$/.exec(text);
  if (match === null) return undefined;
  const [, type = "", key = "", attribute = ""] = match;
  return { type, key, attribute };
}

async function explainAttribute(view: View, name: AttributeName, { cli, json, sensitive }: Explained): Promise<number> {
  const { key, value: now, rows } = await view.valueStory(name);
  const ref = { type: name.type, key };
  const target = `${name.type}:${name.key}.${name.attribute}`;
  if (rows.length === 0) return fail("HK8015", { target });
  const hidden = sensitive.value(name.type, name.attribute);
  if (json) {
    printJson(cli, {
      entity: shownRef(ref, sensitive),
      attribute: name.attribute,
      value: shownValue(now, hidden),
      lineage: rows.map((row) => lineageDocument(row, hidden)),
    });
    return EXIT.ok;
  }
  cli.out.write(
    `${cli.out.color.bold(plainText(target))} is ${formatValue(now === undefined ? undefined : shownValue(now, hidden))}\n\n`,
  );
  cli.out.write(
    formatTable(
      cli.out,
      ["TIME", "RESULT", "BEFORE", "AFTER", "EVENT", "TYPE", "PIPELINE", "LINE", "NOTE"],
      rows.map((row) => lineageCells(row, hidden)),
    ),
  );
  suggest(cli, `explain ${rows[0]?.event ?? ""}`);
  return EXIT.ok;
}

function lineageCells(row: LineageRow, hidden: boolean): string[] {
  const value = (json: typeof row.before) => (json === undefined ? "-" : formatValue(shownValue(json, hidden), 30));
  return [
    formatTime(row.at),
    row.result,
    value(row.before),
    value(row.after),
    row.event,
    plainText(row.eventType),
    row.pipeline,
    row.mapping ?? "-",
    plainText(row.note ?? ""),
  ];
}

function explainCode(cli: Cli, code: string, json: boolean): number {
  const entry: ErrorEntry | undefined = Object.hasOwn(errorCatalogue, code)
    ? errorCatalogue[code as ErrorCode]
    : undefined;
  if (entry === undefined) return fail("HK8017", { code });
  if (json) printJson(cli, { code, ...entry });
  else cli.out.write(renderCode(cli, code, entry));
  return EXIT.ok;
}

function renderCode(cli: Cli, code: string, entry: ErrorEntry): string {
  const { color } = cli.out;
  const lines = [
    `${color.bold(code)}  ${color.bold(entry.title)}`,
    "",
    `  ${entry.message}`,
    "",
    wrap(entry.help, Math.min(cli.out.columns, 100) - 2),
  ];
  if (entry.wrong !== undefined) lines.push("", color.red("wrong"), block(entry.wrong));
  if (entry.right !== undefined) lines.push("", color.green("right"), block(entry.right));
  return `${lines.join("\n")}\n`;
}

const block = (yaml: string) => yaml.replace(/^(?=.)/gm, "  ").trimEnd();

/** Breaks text at spaces, two spaces in. */
export function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `  ${one}`).join("\n");
}
