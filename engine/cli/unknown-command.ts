/** Help that is asked of a command which is not there: it is told so, with the name that was perhaps meant. */
import type { Command } from "commander";

/**
 * The command line without its request for help, where nobody has that help: commander would print the list of all
 * commands, as if that had been asked for, and a script would take a slip of the pen for success.
 */
export function withoutHelpOfUnknown(program: Command, argv: readonly string[]): readonly string[] {
  const { operands, unknown } = program.parseOptions([...argv]);
  const [first, second] = operands;
  if (first === undefined) return argv;
  if (first === "help") return second === undefined || has(program, second) ? argv : [second];
  const known = has(program, first) && knowsItsCommand(program, first, unknown[0]);
  return known ? argv : argv.filter((arg) => arg !== "--help" && arg !== "-h");
}

/** Of a command that only has commands, such as `dead`: whether the word after it is one of them. */
function knowsItsCommand(program: Command, name: string, next = "--"): boolean {
  const command = program.commands.find((one) => one.name() === name);
  if (command === undefined || command.commands.length === 0 || command.registeredArguments.length > 0) return true;
  return next.startsWith("-") || next === "help" || has(command, next);
}

const has = (command: Command, name: string) =>
  command.commands.some((one) => one.name() === name || one.aliases().includes(name));
