/** `hookrail pause` and `resume`: hold a pipeline or a connection; nothing is lost, all of it waits. */
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import { tryLoadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { suggest } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { withHands } from "./stored.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const pauseVerb: Verb = (cli, action, globals) =>
  onAction(
    named(
      new Command("pause").description("hold a pipeline or a connection; events are still accepted, and wait"),
    ).option("--reason <text>", "why, for the audit and for those who wonder", ""),
    action(async (input) => {
      const { kind, name } = target(input);
      const installation = findPlace(cli, globals());
      await refuseUnknown(cli, installation, { kind, name });
      const through = await withHands(cli, installation, async (hands) => {
        if (!(await hands.pause(kind, name, String(input.options["reason"])))) fail("HK8014", { kind, name });
        return hands.through;
      });
      cli.out.write(`${kind} ${name} is paused${through === "store" ? "; no engine is running" : ""}\n`);
      suggest(cli, `resume ${kind} ${name}`);
      return EXIT.ok;
    }),
  );

export const resumeVerb: Verb = (cli, action, globals) =>
  onAction(
    named(new Command("resume").description("let a paused pipeline or connection go on")).option(
      "--reason <text>",
      "why, for the audit",
      "",
    ),
    action(async (input) => {
      const { kind, name } = target(input);
      const wasPaused = await withHands(cli, findPlace(cli, globals()), (hands) =>
        hands.resume(kind, name, String(input.options["reason"])),
      );
      cli.out.write(wasPaused ? `${kind} ${name} goes on\n` : `${kind} ${name} was not paused\n`);
      return EXIT.ok;
    }),
  );

type Target = { readonly kind: "pipeline" | "connection"; readonly name: string };

/** A pause of something that does not exist would hold nothing, and look as if it did. */
async function refuseUnknown(cli: Cli, installation: Installation, { kind, name }: Target): Promise<void> {
  // Elsewhere the engine knows.
  const here = installation.remote === undefined;
  const revision = here ? await tryLoadRevision(cli, installation.configPath) : undefined;
  if (revision === undefined) return;
  const known = kind === "pipeline" ? revision.pipelines.map((one) => one.name) : [...revision.connections.keys()];
  if (known.includes(name)) return;
  const guess = nearest(name, known);
  fail("HK8014", { kind, name }, guess === undefined ? {} : { hint: `did you mean \`${guess}\`?` });
}

function named(command: Command): Command {
  return command.argument("<kind>", "pipeline or connection").argument("<name>");
}

function target({ args: [kind = "", name = ""] }: Input): Target {
  if (kind !== "pipeline" && kind !== "connection")
    fail("HK8009", { option: "kind", expected: "pipeline or connection", got: kind });
  return { kind, name };
}
