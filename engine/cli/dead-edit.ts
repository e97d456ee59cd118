/** `hookrail dead edit ID`: corrects the body of a dead letter's event, after it has told what would be mapped from it now. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import { createEdits, type EditPlan, editableLetter, planEdit } from "../flow/edit.ts";
import { createRoutes } from "../flow/routes.ts";
import { sensitivityOf } from "../http/documents.ts";
import { editDocument } from "../http/edit-document.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { openSqliteReader, openSqliteStore } from "../store/sqlite.ts";
import { callAdmin } from "./admin-client.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { editText } from "./editor.ts";
import { renderOutcome } from "./explain-outcome.ts";
import { namedLine } from "./fold.ts";
import { plainText, printJson, suggest } from "./format.ts";
import { findInstallation, type Installation } from "./installation.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const deadEditVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("edit")
      .description("correct the body of an event that could not be read or mapped, and give it another turn")
      .argument("<id>", "an id as `dead list` prints it")
      .option("--body <file>", "the corrected body, - for standard input; else it is opened in $VISUAL or $EDITOR")
      .option("--reason <text>", "why, for the audit; needed")
      .option("--dry-run", "only tell what would be mapped from it")
      .option("--yes", "do it without asking")
      .option("--json", "machine output"),
    action(async (input) => {
      const installation = findInstallation(cli, globals());
      const reason = typeof input.options["reason"] === "string" ? input.options["reason"].trim() : "";
      if (reason === "" && input.options["dryRun"] !== true) fail("HK8008", { action: "dead edit" });
      if (!existsSync(installation.storePath)) fail("HK8002", { path: installation.storePath });
      const revision = await loadRevision(cli, installation.configPath);
      return run({ cli, installation, revision, reason, input });
    }),
  );

interface Editing {
  readonly cli: Cli;
  readonly installation: Installation;
  readonly revision: Revision;
  readonly reason: string;
  readonly input: Input;
}

async function run(editing: Editing): Promise<number> {
  const { cli, input, reason } = editing;
  const planned = await planOf(editing);
  const json = input.options["json"] === true;
  if (!json) printPlan(editing, planned);
  const dead = planned.turns.every(({ status }) => status === "dead");
  if (input.options["dryRun"] === true) {
    if (json) print(editing, planned, {});
    return dead ? EXIT.findings : EXIT.ok;
  }
  if (dead) fail("HK8254", { id: planned.letter.id, reason: firstReason(editing, planned) });
  if (!(await agreed(editing))) {
    if (json) print(editing, planned, {});
    cli.err.write("nothing was changed\n");
    if (cli.stdin?.tty !== true) suggest(cli, `dead edit ${planned.letter.id} … --yes`);
    return EXIT.ok;
  }
  const through = await apply(editing, { letter: planned.letter.id, body: planned.edit.body }, reason);
  const then = through === "engine" ? "is tried again now" : "is tried again when the engine starts";
  if (json) print(editing, planned, { through });
  else cli.out.write(`${planned.letter.id} edited; ${planned.event.id} ${then}\n`);
  suggest(cli, `explain ${planned.event.id}`);
  return EXIT.ok;
}

const firstReason = ({ revision }: Editing, { turns }: EditPlan): string =>
  sensitivityOf(revision.entities).text(turns[0]?.reason ?? "");

async function planOf({ cli, installation, revision, input }: Editing): Promise<EditPlan> {
  const [id = ""] = input.args;
  const routes = createRoutes(revision);
  const reader = await openSqliteReader(installation.storePath);
  const openEvaluator = () => createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
  try {
    const editable = await editableLetter(id, { reader, routes });
    const body = await bodyOf(cli, input.options["body"], editable);
    return await planEdit({ letter: id, body }, { reader, routes, clock: cli.clock, openEvaluator });
  } finally {
    await reader.close();
  }
}

async function bodyOf(
  cli: Cli,
  file: unknown,
  editable: { readonly text: string; readonly ending: string },
): Promise<Uint8Array> {
  if (typeof file !== "string") return editText(cli, editable);
  if (file === "-") return Buffer.from(await cli.readStdin());
  try {
    return readFileSync(resolve(cli.cwd, file));
  } catch {
    return fail("HK8009", { option: "--body", expected: "a file that can be read", got: file });
  }
}

/** With a terminal it asks; without one only `--yes` does it. */
async function agreed({ cli, input }: Editing): Promise<boolean> {
  if (input.options["yes"] === true) return true;
  const { stdin } = cli;
  if (stdin?.tty !== true || !cli.err.tty) return false;
  const lines = createInterface({ input: stdin.stream });
  try {
    cli.err.write("Keep this body and try again with it? [y/N] ");
    const next = await lines[Symbol.asyncIterator]().next();
    return next.done !== true && /^y(es)?$/i.test(next.value.trim());
  } finally {
    lines.close();
  }
}

/** Through the running engine; with none running, on the store under its lock. */
async function apply(
  { cli, installation, revision }: Editing,
  correcting: { readonly letter: string; readonly body: Uint8Array },
  reason: string,
): Promise<"engine" | "store"> {
  const path = `/api/v1/dead-letters/${encodeURIComponent(correcting.letter)}/edit`;
  const body = { body: Buffer.from(correcting.body).toString("utf8"), reason, dry_run: false };
  const answer = await callAdmin(cli, installation, { method: "POST", path, body });
  if (answer !== undefined) {
    if (answer.document === undefined) fail("HK8004", { id: correcting.letter });
    return "engine";
  }
  const store = await openSqliteStore({ path: installation.storePath, clock: cli.clock });
  try {
    const openEvaluator = () => createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
    const edits = createEdits({ store, clock: cli.clock, routes: createRoutes(revision), openEvaluator });
    await edits.edit(correcting, { actor: cli.user, reason });
    return "store";
  } finally {
    await store.close();
  }
}

function print({ cli, revision, input }: Editing, plan: EditPlan, done: { readonly through?: string }): void {
  const document = editDocument(plan, sensitivityOf(revision.entities));
  printJson(cli, { done: done.through !== undefined, dry_run: input.options["dryRun"] === true, ...done, ...document });
}

/** As `explain` tells a turn: row by row what would be read and written. */
function printPlan({ cli, revision }: Editing, { letter, event, edit, turns }: EditPlan): void {
  const { out } = cli;
  const line = (name: string, text: string) => namedLine(out, name, text);
  const view = { out, sensitive: sensitivityOf(revision.entities), guarantee: () => undefined };
  const at = cli.clock.now();
  const blocks = turns.map((turn) => {
    const { pipeline, reason, rule, detail } = turn;
    const outcome = {
      pipeline,
      status: turn.status === "fetch" ? ("ready" as const) : turn.status,
      revision: revision.hash,
      at,
      ...(reason === undefined ? {} : { reason }),
      ...(rule === undefined ? {} : { rule }),
      ...(detail === undefined ? {} : { detail }),
    };
    return renderOutcome({ event, history: turn.history.map((row) => ({ ...row, pipeline, at })) }, outcome, view);
  });
  const head = [
    `${out.color.bold(letter.id)}  ${event.id}  ${plainText(event.source)} ${out.color.bold(plainText(event.type))}`,
    line("was", `${plainText(view.sensitive.text(letter.message))} [${letter.code}]`),
    line("changed", edit.paths.map(plainText).join(", ")),
    line(
      "body",
      `sha256 ${edit.beforeHash.slice(0, 16)}… -> ${edit.afterHash.slice(0, 16)}…; the one received is kept`,
    ),
    line("then", "with this body it would be:"),
  ];
  out.write(`${[head.join("\n"), ...blocks].join("\n\n")}\n`);
}
