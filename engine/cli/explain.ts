/** `hookrail explain HK1234 | EVENT | entity:key | entity:key.attribute`: a code's page, an event's story, where values came from. */
import { Command } from "commander";
import type { Revision } from "../config/revision.ts";
import { type ErrorCode, type ErrorEntry, errorCatalogue, fail } from "../core/errors.ts";
import { guaranteeOf, guaranteeText } from "../delivery/guarantee.ts";
import { type Sensitivity, SHOW_ALL, sensitivityOf } from "../http/documents.ts";
import type { AttributeName } from "../http/lineage.ts";
import { tryLoadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDocument, showEntity, showValue } from "./explain-lineage.ts";
import { renderStory } from "./explain-story.ts";
import { printJson, suggest } from "./format.ts";
import { findPlace } from "./installation.ts";
import type { View } from "./remote-view.ts";
import { withView } from "./stored.ts";
import { onAction, type Verb } from "./verb.ts";

export const explainVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("explain")
      .description("an error code's page, an event's whole story, or where a value came from")
      .argument("<what>", "HK1234, an event's id, customer:cus_1.tier for one value, or customer:cus_1 for all")
      .option("--json", "machine output"),
    action(async ({ args: [what = ""], options }) => {
      const json = options["json"] === true;
      if (/^hk\d+$/i.test(what)) return explainCode(cli, what.toUpperCase(), json);
      const place = findPlace(cli, globals());
      const revision = place.remote === undefined ? await tryLoadRevision(cli, place.configPath) : undefined;
      const sensitive = place.remote === undefined ? sensitivityOf(revision?.entities) : SHOW_ALL;
      return withView(cli, place, (view) => explainThing(view, what, { cli, json, sensitive, revision }));
    }),
  );

export interface Explained {
  readonly cli: Cli;
  readonly json: boolean;
  readonly sensitive: Sensitivity;
  readonly revision: Revision | undefined;
}

async function explainEvent(view: View, id: string, { cli, json, sensitive, revision }: Explained): Promise<number> {
  const story = await view.story(id);
  if (story === undefined) return fail("HK8003", { id });
  const document = (await view.storyDocument(story)) as { readonly verification: { readonly secret?: string } };
  if (json) return printDocument(cli, { event: document });
  const guarantee = (name: string, action: string) => {
    const connection = revision?.connections.get(name);
    return connection === undefined ? undefined : guaranteeText(guaranteeOf(connection, action));
  };
  const { secret } = document.verification;
  cli.out.write(renderStory(story, { out: cli.out, sensitive, guarantee, secret }));
  const open = story.deadLetters.find((letter) => letter.status === "open");
  if (open !== undefined) suggest(cli, `dead retry ${open.id}`, `explain ${open.code}`);
  return EXIT.ok;
}

/** `customer:cus_1.tier`; the key may hold dots and colons, the names may not. */
export function parseLineage(text: string): AttributeName | undefined {
  const match = /^([a-z][a-z0-9_-]*):(.+)\.([a-z][a-z0-9_-]*)$/.exec(text);
  if (match === null) return undefined;
  const [, type = "", key = "", attribute = ""] = match;
  return { type, key, attribute };
}

/** An id may hold colons and dots too: what is declared decides, and what is there. */
async function explainThing(view: View, what: string, explained: Explained): Promise<number> {
  const { cli, json, revision } = explained;
  const name = parseLineage(what);
  const [, type = "", key = ""] = /^([a-z][a-z0-9_-]*):(.+)$/.exec(what) ?? [];
  if (type === "") return explainEvent(view, what, explained);
  const model = revision?.entities.get(type);
  const mayBe =
    name !== undefined && (model === undefined || name.attribute === "state" || model.attributes.has(name.attribute));
  const value = mayBe ? await view.value(name) : undefined;
  if (value !== undefined) return json ? printDocument(cli, value) : showValue(cli, what, value);
  const entity = await view.entity({ type, key });
  if (entity !== undefined) return json ? printDocument(cli, entity) : showEntity(cli, what, entity);
  if ((await view.story(what)) !== undefined) return explainEvent(view, what, explained);
  return fail("HK8015", { target: what });
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
