/** `hookrail eval` without an expression: line by line, on a terminal or through a pipe. */
import { createInterface } from "node:readline";
import { HookrailError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { type Cli, EXIT } from "../context.ts";
import { formatValue } from "../format.ts";
import type { Verdict } from "./judge.ts";
import type { Payload, Subject } from "./subject.ts";

/** What the lines are handed to. */
export interface Session {
  readonly judge: (expression: string, subject: Subject) => Promise<Verdict>;
  readonly render: (expression: string, subject: Subject, verdict: Verdict) => string;
  readonly payload: (options: { readonly [name: string]: string }) => Promise<Payload | undefined>;
  readonly place: (payload: Payload) => Promise<Subject>;
  /** The file it is in. */
  readonly save: (name: string, expression: string, subject: Subject) => Promise<string>;
}

const HELP = `EXPRESSION             evaluate it
:sample PROVIDER/EVENT on a sample event
:event ID              on a stored event
:file PATH             on a payload in a file
:let NAME = EXPRESSION from now on \`$NAME\` is what it gives
:type EXPRESSION       only the type
:save NAME             keep the payload and what its rule writes as a test
:help  :quit
`;

interface State {
  subject: Subject;
  /** What was evaluated last. */
  last: string | undefined;
}

/** Reads until the end or `:quit`. 1 when a line failed and nobody was there to see it. */
export async function runRepl(cli: Cli, start: Subject, session: Session): Promise<number> {
  const { stdin } = cli;
  const tty = stdin?.tty === true && stdin.screen !== undefined && cli.out.tty;
  if (tty) cli.out.write(`on ${start.payload.label}; :help lists the commands, :quit ends\n`);
  if (stdin === undefined) return EXIT.ok;
  const prompt = tty ? "> " : "";
  const reader = createInterface({
    input: stdin.stream,
    ...(tty && stdin.screen !== undefined
      ? { output: stdin.screen, terminal: true, historySize: 500, prompt }
      : { terminal: false }),
  });
  const state: State = { subject: start, last: undefined };
  let failed = false;
  if (tty) reader.prompt();
  for await (const line of reader) {
    const done = await step(cli, line.trim(), { state, session });
    if (done === "quit") break;
    failed ||= done === "failed";
    if (tty) reader.prompt();
  }
  reader.close();
  return failed && !tty ? EXIT.findings : EXIT.ok;
}

interface Turn {
  readonly state: State;
  readonly session: Session;
}

async function step(cli: Cli, line: string, turn: Turn): Promise<"ok" | "failed" | "quit"> {
  if (line === "") return "ok";
  try {
    return line.startsWith(":") ? await command(cli, line, turn) : await evaluate(cli, line, turn);
  } catch (error) {
    if (!(error instanceof HookrailError)) throw error;
    cli.err.write(`${cli.err.color.red("error")}[${error.code}]: ${error.message}\n`);
    if (error.hint !== undefined) cli.err.write(`  = ${error.hint}\n`);
    return "failed";
  }
}

async function evaluate(cli: Cli, line: string, { state, session }: Turn): Promise<"ok" | "failed"> {
  const verdict = await session.judge(line, state.subject);
  cli.out.write(session.render(line, state.subject, verdict));
  state.last = line;
  return verdict.faults.length === 0 ? "ok" : "failed";
}

async function command(cli: Cli, line: string, turn: Turn): Promise<"ok" | "failed" | "quit"> {
  const { state, session } = turn;
  const [, name = "", rest = ""] = /^:(\S*)\s*(.*)$/.exec(line) ?? [];
  switch (name) {
    case "quit":
    case "q":
      return "quit";
    case "help":
    case "h":
      cli.out.write(HELP);
      return "ok";
    case "sample":
    case "event":
    case "file": {
      const payload = await session.payload({ [name]: rest });
      if (payload === undefined) return "failed";
      state.subject = await session.place(payload);
      cli.out.write(`on ${payload.label}\n`);
      return "ok";
    }
    case "let":
      return bind(cli, rest, turn);
    case "type": {
      const verdict = await session.judge(rest, state.subject);
      cli.out.write(verdict.faults.length === 0 ? `${verdict.type}\n` : session.render(rest, state.subject, verdict));
      return verdict.faults.length === 0 ? "ok" : "failed";
    }
    case "save":
      cli.out.write(`saved in ${await session.save(rest, state.last ?? "", state.subject)}\n`);
      return "ok";
    default:
      cli.err.write(`there is no command :${name}; :help lists them\n`);
      return "failed";
  }
}

async function bind(cli: Cli, rest: string, { state, session }: Turn): Promise<"ok" | "failed"> {
  const [, name, expression] = /^\$?([A-Za-z_]\w*)\s*:?=\s*(.+)$/.exec(rest) ?? [];
  if (name === undefined || expression === undefined) {
    cli.err.write("write `:let NAME = EXPRESSION`\n");
    return "failed";
  }
  const verdict = await session.judge(expression, state.subject);
  if (verdict.faults.length > 0) {
    cli.out.write(session.render(expression, state.subject, verdict));
    return "failed";
  }
  const { scope } = state.subject;
  const variables: Record<string, Json | undefined> = { ...scope.variables, [name]: verdict.value };
  state.subject = { ...state.subject, scope: { ...scope, variables }, variables: Object.keys(variables) };
  cli.out.write(`$${name} is ${verdict.sensitive ? "kept" : formatValue(verdict.value)}\n`);
  return "ok";
}
