/** `hookrail check`: every fault of the config at once, and traces that do not end in one state. */
import { dirname, relative } from "node:path";
import { Command, Option } from "commander";
import { githubCommands, sarif } from "../config/formats.ts";
import type { Loaded } from "../config/options.ts";
import type { OwnCheck } from "../config/own-checks.ts";
import { diagnosticsJson } from "../config/render.ts";
import type { Revision } from "../config/revision.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { findingsOf } from "../testing/trace-findings.ts";
import { proveTrace } from "../testing/traces.ts";
import { findFixes, writeFixes } from "./check-fix.ts";
import { checkOnline } from "./check-online.ts";
import { askOwnChecks } from "./check-own.ts";
import { loadInstallation, withoutSeedReminder } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { printJson } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { sampleReader } from "./recorded.ts";
import { onAction, type Verb } from "./verb.ts";
import { loadWithoutSecrets } from "./without-secrets.ts";

const FORMATS = ["pretty", "json", "sarif", "github"] as const;

export const checkVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("check")
      .description("check the config: every fault at once, with its place and what was expected")
      .option("--strict", "warnings are errors")
      .option("--fix", "write what was surely meant into the files, and show it as a patch")
      .option("--dry-run", "with --fix: only show it")
      .option("--online", "also open a connection to each sink; nothing is written there")
      .addOption(
        new Option("--without-secrets", "also where values of `${NAME}` and `${file:…}` are not set").conflicts(
          "online",
        ),
      )
      .addOption(new Option("--format <format>", "how it is told").choices(FORMATS).default("pretty"))
      .option("--json", "the same as --format json"),
    action(async ({ options }) => {
      const started = cli.clock.monotonic();
      const { configPath, storePath } = findInstallation(cli, globals());
      const format = options["json"] === true ? "json" : String(options["format"]);
      if (options["fix"] === true) await fix(cli, configPath, options["dryRun"] === true);
      const read = await loadForCheck(cli, configPath, {
        online: options["online"] === true,
        withoutSecrets: options["withoutSecrets"] === true,
      });
      const config = await withoutSeedReminder(read.loaded, storePath);
      const found = [
        ...config.diagnostics,
        ...(await checkTraces(config.revision, configPath)),
        ...(await askOwnChecks(soundChecks(config), cli.clock.now())),
        ...(options["online"] === true && config.revision !== undefined ? await checkOnline(config.revision) : []),
      ];
      await read.close();
      print(cli, { ...config, diagnostics: found }, { format, configPath, started });
      if (config.unreadable) return EXIT.config;
      const has = (severity: string) => found.some((one) => one.severity === severity);
      return has("error") || (options["strict"] === true && has("warning")) ? EXIT.findings : EXIT.ok;
    }),
  );

/** Connections are opened by `--online` only; their expressions need an evaluator then. */
async function loadForCheck(
  cli: Cli,
  configPath: string,
  { online, withoutSecrets }: { readonly online: boolean; readonly withoutSecrets: boolean },
): Promise<{ readonly loaded: Loaded; readonly close: () => Promise<void> }> {
  if (withoutSecrets) return { loaded: await loadWithoutSecrets(cli, configPath), close: async () => {} };
  if (!online) return { loaded: await loadInstallation(cli, configPath), close: async () => {} };
  const evaluator = createEvaluator({ deadlineMs: 1_000 });
  const loaded = await loadInstallation(cli, configPath, { evaluator: () => evaluator });
  return { loaded, close: () => evaluator.close() };
}

/** Shows the patch, on stderr since the findings that are left are the data, and writes it. */
async function fix(cli: Cli, configPath: string, dryRun: boolean): Promise<void> {
  const { texts, patch } = await findFixes(cli, configPath, await loadInstallation(cli, configPath));
  if (texts.size === 0) {
    cli.err.write("nothing can be fixed safely\n");
    return;
  }
  cli.err.write(patch);
  const files = `${texts.size} ${texts.size === 1 ? "file" : "files"}`;
  if (!dryRun) writeFixes(configPath, texts, `${cli.randomHex(4)}.tmp`);
  cli.err.write(dryRun ? `${files} would be changed; nothing was written\n` : `${files} changed\n`);
}

/** A file with errors is not what its author meant: other checks ask of the rest. */
function soundChecks({ checks = [], diagnostics }: Loaded): readonly OwnCheck[] {
  const broken = new Set(diagnostics.filter(({ severity }) => severity === "error").map(({ span }) => span.file));
  return checks.map((check) => ({ ...check, subjects: check.subjects.filter(({ span }) => !broken.has(span.file)) }));
}

interface Printing {
  readonly format: string;
  readonly configPath: string;
  readonly started: number;
}

function print(cli: Cli, loaded: Loaded, { format, configPath, started }: Printing): void {
  const { diagnostics } = loaded;
  const folder = relative(cli.cwd, dirname(configPath)).replaceAll("\\", "/");
  const prefix = folder === "" ? "" : `${folder}/`;
  if (format === "json") printJson(cli, diagnosticsJson(diagnostics));
  else if (format === "sarif")
    cli.out.write(`${JSON.stringify(sarif(diagnostics, { version: cli.version, prefix }), undefined, 2)}\n`);
  else if (format === "github") cli.out.write(githubCommands(diagnostics, { prefix }));
  else {
    printDiagnostics(cli, cli.out, { ...loaded, ms: cli.clock.monotonic() - started });
    const fixable = diagnostics.filter((one) => one.fix !== undefined).length;
    if (fixable > 0) cli.out.write(`${fixable} can be fixed: ${cli.name} check --fix --dry-run\n`);
  }
}

/** Enough for traces whose order the source's clock decides; `hookrail test` follows more. */
const maxWorlds = 300;

/** The traces of all pipelines, in every order of arrival. */
async function checkTraces(revision: Revision | undefined, configPath: string): Promise<readonly Diagnostic[]> {
  if (revision === undefined || revision.pipelines.every((pipeline) => pipeline.traces.length === 0)) return [];
  const evaluator = createEvaluator({ deadlineMs: revision.limits.mappingTimeoutMs });
  const found: Diagnostic[] = [];
  try {
    for (const pipeline of revision.pipelines) {
      for (const trace of pipeline.traces) {
        const options = { evaluator, readSample: sampleReader(configPath), maxWorlds, controls: 0, seed: 1 };
        found.push(...findingsOf(await proveTrace(revision, pipeline, trace, options)));
      }
    }
  } finally {
    await evaluator.close();
  }
  return found;
}
