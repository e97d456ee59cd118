/** `hookrail check`: every fault of the config at once. */
import { Command } from "commander";
import { diagnosticsJson } from "../config/render.ts";
import { loadInstallation, withoutSeedReminder } from "./config.ts";
import { EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { printJson } from "./format.ts";
import { findInstallation } from "./installation.ts";
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
      const loaded = await withoutSeedReminder(await loadInstallation(cli, configPath), storePath);
      const found = (severity: string) => loaded.diagnostics.some((one) => one.severity === severity);
      if (options["json"] === true) printJson(cli, diagnosticsJson(loaded.diagnostics));
      else printDiagnostics(cli, cli.out, { ...loaded, ms: cli.clock.monotonic() - started });
      if (loaded.unreadable) return EXIT.config;
      return found("error") || (options["strict"] === true && found("warning")) ? EXIT.findings : EXIT.ok;
    }),
  );
