/** `hookrail dead list|show|retry|edit|discard`: what needs a person. */
import { Command, Option } from "commander";
import { fail } from "../core/errors.ts";
import { deadLetterDocument } from "../http/documents.ts";
import type { DeadLetter } from "../store/store.ts";
import { type Cli, EXIT } from "./context.ts";
import { deadEditVerb } from "./dead-edit.ts";
import { formatTable, formatTime, plainText, printJson, suggest } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { sensitivityAt, withHands, withView } from "./stored.ts";
import { onAction, parseCount, type Verb } from "./verb.ts";

export const deadVerb: Verb = (cli, action, globals) => {
  const verbs: readonly Verb[] = [listVerb, showVerb, retryVerb, deadEditVerb, discardVerb];
  const command = new Command("dead").description("what needs a person: list, show, retry, edit, discard");
  for (const verb of verbs) command.addCommand(verb(cli, action, globals));
  return command;
};

const listVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("list")
      .description("list dead letters, newest first")
      .addOption(
        new Option("--status <status>", "which ones").choices(["open", "retried", "discarded"]).default("open"),
      )
      .option("--pipeline <name>", "only of this pipeline")
      .option("-n, --limit <count>", "at most this many", parseCount, 50)
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const installation = findPlace(cli, globals());
      const letters = await withView(cli, installation, (view) => view.deadLetters(options));
      const shown = await maskLetters(cli, installation, letters);
      if (options["json"] === true) printJson(cli, { dead_letters: shown.documents });
      else printLetters(cli, shown.letters);
      return EXIT.ok;
    }),
  );

const showVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("show").description("show one dead letter").argument("<id>").option("--json", "machine output"),
    action(async ({ args: [id = ""], options }) => {
      const installation = findPlace(cli, globals());
      const { letters, documents } = await maskLetters(cli, installation, [await findLetter(cli, installation, id)]);
      if (options["json"] === true) printJson(cli, { dead_letter: documents[0] });
      else for (const letter of letters) printLetter(cli, letter);
      return EXIT.ok;
    }),
  );

const retryVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("retry")
      .description("try again: the same frozen request if it was ever sent, else mapped anew with the running config")
      .argument("<id...>", "ids as `dead list` prints them")
      .option("--reason <text>", "why, for the audit", ""),
    action(({ args, options }) => {
      const closing: Closing = { ids: args, verb: "retry", reason: String(options["reason"]) };
      return closeLetters(cli, findPlace(cli, globals()), closing);
    }),
  );

const discardVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("discard")
      .description("give up: it will not be tried again")
      .argument("<id...>", "ids as `dead list` prints them")
      .option("--reason <text>", "why, for the audit; needed"),
    action(async ({ args, options }) => {
      const reason = typeof options["reason"] === "string" ? options["reason"].trim() : "";
      if (reason === "") fail("HK8008", { action: "dead discard" });
      return closeLetters(cli, findPlace(cli, globals()), { ids: args, verb: "discard", reason });
    }),
  );

interface Closing {
  readonly ids: readonly string[];
  readonly verb: "retry" | "discard";
  readonly reason: string;
}

/** All ids are looked up before the first is touched, so that a slip of the pen changes nothing. */
async function closeLetters(cli: Cli, installation: Installation, { ids, verb, reason }: Closing): Promise<number> {
  const letters: DeadLetter[] = [];
  for (const id of ids) letters.push(await findLetter(cli, installation, id));
  const unread = letters.find(({ pipeline, status }) => pipeline === "" && status === "open");
  if (verb === "retry" && unread !== undefined) fail("HK8257", { id: unread.id });
  return withHands(cli, installation, async (hands) => {
    for (const letter of letters) {
      const done = await (verb === "retry" ? hands.retryDead(letter.id, reason) : hands.discardDead(letter.id, reason));
      if (!done) fail("HK8004", { id: letter.id });
      const then =
        verb === "discard"
          ? "discarded"
          : hands.through === "engine"
            ? "is tried again now"
            : "is tried again when the engine starts";
      cli.out.write(`${letter.id} ${then}\n`);
    }
    suggest(cli, `explain ${letters[0]?.event ?? ""}`);
    return EXIT.ok;
  });
}

/** Messages name entities, and a key may be personal data. */
async function maskLetters(cli: Cli, installation: Installation, letters: readonly DeadLetter[]) {
  const sensitive = await sensitivityAt(cli, installation);
  return {
    letters: letters.map((letter) => ({ ...letter, message: sensitive.text(letter.message) })),
    documents: letters.map((letter) => deadLetterDocument(letter, sensitive)),
  };
}

async function findLetter(cli: Cli, installation: Installation, id: string): Promise<DeadLetter> {
  const letter = await withView(cli, installation, (view) => view.deadLetter(id));
  return letter ?? fail("HK8004", { id });
}

function printLetters(cli: Cli, letters: readonly DeadLetter[]): void {
  if (letters.length === 0) {
    cli.err.write("no dead letters\n");
    return;
  }
  const rows = letters.map((one) => [
    formatTime(one.createdAt),
    one.id,
    one.kind,
    plainText(one.type),
    one.pipeline,
    one.code,
    plainText(one.message),
  ]);
  cli.out.write(formatTable(cli.out, ["TIME", "ID", "KIND", "TYPE", "PIPELINE", "CODE", "WHY"], rows));
  suggest(cli, `dead show ${letters[0]?.id ?? ""}`);
}

function printLetter(cli: Cli, letter: DeadLetter): void {
  const { color } = cli.out;
  const lines: readonly (readonly [string, string])[] = [
    [
      "what",
      letter.delivery === undefined ? `event ${letter.event}` : `delivery ${letter.delivery} of event ${letter.event}`,
    ],
    ["source", `${plainText(letter.source)} ${plainText(letter.type)}`],
    ["pipeline", letter.pipeline],
    ["since", formatTime(letter.createdAt)],
    ["why", `${plainText(letter.message)} ${color.dim(`[${letter.code}]`)}`],
    ["status", letter.resolution ? `${letter.status}: ${plainText(letter.resolution)}` : letter.status],
  ];
  cli.out.write(`${color.bold(letter.id)}\n`);
  for (const [name, text] of lines) cli.out.write(`  ${color.dim(name.padEnd(9))} ${text}\n`);
  // What could not be read comes to the same again: only another body helps.
  const then = letter.pipeline === "" ? `dead edit ${letter.id} --reason …` : `dead retry ${letter.id}`;
  suggest(cli, `explain ${letter.event}`, `explain ${letter.code}`, then);
}
