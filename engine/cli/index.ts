/** The command line: one file per verb, put together here. Turns what they return or throw into an exit code. */
import { Command, CommanderError } from "commander";
import { HookrailError } from "../core/errors.ts";
import { alertsVerb } from "./alerts.ts";
import { backupVerb, restoreVerb } from "./backup.ts";
import { checkVerb } from "./check.ts";
import { completeVerb, completionVerb } from "./completion.ts";
import { type Cli, EXIT } from "./context.ts";
import { deadVerb } from "./dead.ts";
import { docsVerb } from "./docs.ts";
import { echoVerb } from "./echo.ts";
import { eraseVerb } from "./erase.ts";
import { evalVerb } from "./eval.ts";
import { eventsVerb } from "./events.ts";
import { explainVerb } from "./explain.ts";
import { fmtVerb } from "./fmt.ts";
import { initVerb } from "./init.ts";
import { pauseVerb, resumeVerb } from "./pause.ts";
import { planVerb } from "./plan.ts";
import { planPostedVerb } from "./plan-posted.ts";
import { pluginsVerb } from "./plugins.ts";
import { recordVerb } from "./record.ts";
import { reloadVerb } from "./reload.ts";
import { replayVerb } from "./replay.ts";
import { runVerb } from "./run.ts";
import { schemaVerb } from "./schema.ts";
import { secretsVerb } from "./secrets.ts";
import { seedVerb } from "./seed.ts";
import { sendVerb } from "./send.ts";
import { statusVerb } from "./status.ts";
import { tailVerb } from "./tail.ts";
import { testVerb } from "./test.ts";
import { tokenVerb } from "./token.ts";
import { topVerb } from "./top.ts";
import { withoutHelpOfUnknown } from "./unknown-command.ts";
import type { Verb } from "./verb.ts";
import { verifyVerb } from "./verify.ts";

const VERBS: readonly Verb[] = [
  runVerb,
  checkVerb,
  testVerb,
  planVerb,
  sendVerb,
  eventsVerb,
  explainVerb,
  tailVerb,
  recordVerb,
  deadVerb,
  replayVerb,
  pauseVerb,
  resumeVerb,
  statusVerb,
  alertsVerb,
  topVerb,
  reloadVerb,
  verifyVerb,
  secretsVerb,
  tokenVerb,
  seedVerb,
  eraseVerb,
  backupVerb,
  restoreVerb,
  initVerb,
  pluginsVerb,
  schemaVerb,
  fmtVerb,
  echoVerb,
  evalVerb,
  docsVerb,
  completionVerb,
];

/** Runs one command line, without the program's name, and resolves with the exit code. */
export async function runCli(cli: Cli, argv: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("hookrail")
    .description("Inbound webhooks into CRMs, as YAML pipelines reviewed in git")
    .version(cli.version, "-v, --version")
    .option("-c, --config <path>", "config.yaml, or the folder it lies in", "config.yaml")
    .option("--url <url>", "the admin address of an engine elsewhere (or HOOKRAIL_URL)")
    .option("--token-file <path>", "file with the token for it (or HOOKRAIL_TOKEN)")
    .showHelpAfterError("(hookrail --help lists the commands)")
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: (text) => cli.out.write(text), writeErr: (text) => cli.err.write(text) });
  const action: Parameters<Verb>[1] = (run) => async (input) => {
    code = await run(input);
  };
  const named = withConfigInName(cli, program);
  for (const verb of VERBS) {
    const command = verb(named, action, () => program.opts());
    command.copyInheritedSettings(program);
    for (const sub of command.commands) sub.copyInheritedSettings(program);
    program.addCommand(command);
  }
  for (const verb of [completeVerb, planPostedVerb])
    program.addCommand(verb(named, action, () => program.opts()).copyInheritedSettings(program), { hidden: true });
  try {
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync(withoutHelpOfUnknown(program, argv), { from: "user" });
    return code;
  } catch (error) {
    return reportFailure(cli, error);
  }
}

/** Commands that messages suggest are for the same installation: they name the config that this one was given. */
function withConfigInName(cli: Cli, program: Command): Cli {
  return {
    ...cli,
    get name() {
      const { config, url, tokenFile } = program.opts<{ config: string; url?: string; tokenFile?: string }>();
      if (url !== undefined)
        return `${cli.name} --url ${url}${tokenFile === undefined ? "" : ` --token-file ${tokenFile}`}`;
      if (program.getOptionValueSource("config") !== "cli") return cli.name;
      return `${cli.name} -c ${/^[\w./:@%+=-]+$/.test(config) ? config : `'${config}'`}`;
    },
  };
}

function reportFailure(cli: Cli, error: unknown): number {
  // Commander has written its own message by now; help and version come here too, with exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { color } = cli.err;
  if (error instanceof HookrailError) {
    cli.err.write(`${color.red("error")}${color.dim(`[${error.code}]`)}: ${error.message}\n`);
    if (error.hint !== undefined) cli.err.write(`  = ${error.hint}\n`);
    cli.err.write(`  = more: ${cli.name} explain ${error.code}\n`);
    return exitCodeOf(error);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  cli.err.write(`${color.red("internal error")}: ${text}\n`);
  return EXIT.internal;
}

/** The config is refused: it is not there, would lose sight of live rows, or a plugin in code is broken. */
const REFUSED_CONFIG = new Set<string>(["HK8001", "HK8041", "HK8042"]);
const PLUGIN_CODES = /^HK(510[1-5]|810[5-9])$/;
const USAGE_CODES = new Set<string>([
  "HK8006",
  "HK8008",
  "HK8009",
  "HK8017",
  "HK8050",
  "HK8054",
  "HK8062",
  "HK8077",
  "HK8120",
  "HK8153",
  "HK8200",
  "HK8201",
  "HK8154",
  "HK8156",
  "HK8170",
  "HK8171",
  "HK8142",
  "HK8211",
  "HK8212",
  "HK8215",
]);

function exitCodeOf(error: HookrailError): number {
  if (REFUSED_CONFIG.has(error.code) || PLUGIN_CODES.test(error.code) || error.code.startsWith("HK1"))
    return EXIT.config;
  if (error.code.startsWith("HK9")) return EXIT.internal;
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.findings;
}
