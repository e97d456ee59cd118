/** `hookrail pause` and `resume`: hold a pipeline or a connection; nothing is lost, all of it waits. */
import { Command } from "commander";
import { fail } from "../core/errors.ts";
import { EXIT } from "./context.ts";
import { suggest } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { withHands } from "./stored.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const pauseVerb: Verb = (cli, action, globals) =>
  onAction(
    named(
      new Command("pause").description("hold a pipeline or a connection; events are still accepted, and wait"),
    ).option("--reason <text>", "why, for the audit and for those who wonder", ""),
    action(async (input) => {
      const { kind, name } = target(input);
      const through = await withHands(cli, findInstallation(cli, globals()), async (hands) => {
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
      const wasPaused = await withHands(cli, findInstallation(cli, globals()), (hands) =>
        hands.resume(kind, name, String(input.options["reason"])),
      );
      cli.out.write(wasPaused ? `${kind} ${name} goes on\n` : `${kind} ${name} was not paused\n`);
      return EXIT.ok;
    }),
  );

function named(command: Command): Command {
  return command.argument("<kind>", "pipeline or connection").argument("<name>");
}

function target({ args: [kind = "", name = ""] }: Input): { kind: "pipeline" | "connection"; name: string } {
  if (kind !== "pipeline" && kind !== "connection")
    fail("HK8009", { option: "kind", expected: "pipeline or connection", got: kind });
  return { kind, name };
}
