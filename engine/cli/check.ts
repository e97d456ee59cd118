/** `hookrail check`: every fault of the config at once, and traces that do not end in one state. */
import { Command } from "commander";
import { diagnosticsJson } from "../config/render.ts";
import type { Revision } from "../config/revision.ts";
import type { Diagnostic } from "../core/diagnostic.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import { findingsOf } from "../testing/trace-findings.ts";
import { proveTrace } from "../testing/traces.ts";
import { loadInstallation, withoutSeedReminder } from "./config.ts";
import { EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { printJson } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { sampleReader } from "./recorded.ts";
import { onAction, type Verb } from "./verb.ts";

export const checkVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("check")
      .description("check the config: every fault at once, with its place and what was expected")
      .option("--strict", "warnings are errors")
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const started = cli.clock.monotonic();
      const { configPath, storePath } = findInstallation(cli, globals());
      const config = await withoutSeedReminder(await loadInstallation(cli, configPath), storePath);
      const traces = await checkTraces(config.revision, configPath);
      const loaded = { ...config, diagnostics: [...config.diagnostics, ...traces] };
      const found = (severity: string) => loaded.diagnostics.some((one) => one.severity === severity);
      if (options["json"] === true) printJson(cli, diagnosticsJson(loaded.diagnostics));
      else printDiagnostics(cli, cli.out, { ...loaded, ms: cli.clock.monotonic() - started });
      if (loaded.unreadable) return EXIT.config;
      return found("error") || (options["strict"] === true && found("warning")) ? EXIT.findings : EXIT.ok;
    }),
  );

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
