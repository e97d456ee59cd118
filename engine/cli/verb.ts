/** What a verb's file exports, and how it reads options. */
import { type Command, InvalidArgumentError } from "commander";
import type { Cli } from "./context.ts";
import type { GlobalOptions } from "./installation.ts";

/** What commander hands to an action, without its positional form: arguments by place, options by name. */
export interface Input {
  readonly args: readonly string[];
  readonly options: { readonly [name: string]: unknown };
}

export type Run = (input: Input) => Promise<number>;

/** Builds the verb's command. `action` wraps what it does; its number is the exit code. */
export type Verb = (
  cli: Cli,
  action: (run: Run) => (input: Input) => Promise<void>,
  globals: () => GlobalOptions,
) => Command;

/** Wires a run to a command: `command.action(positional(action(run)))`. */
export function onAction(command: Command, act: (input: Input) => Promise<void>): Command {
  return command.action(async () =>
    act({ args: command.processedArgs.flat().filter((a) => a !== undefined), options: command.opts() }),
  );
}

/** A whole number above zero. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}

/** Gathers a repeatable option. */
export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}
