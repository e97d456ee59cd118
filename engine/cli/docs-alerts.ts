/** `hookrail docs alerts`: the alert rules of this installation for Prometheus, and a dashboard for Grafana. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { findConfig, type GlobalOptions } from "./installation.ts";
import { grafanaDashboard } from "./monitoring/dashboard.ts";
import { prometheusRules } from "./monitoring/rules.ts";
import { type Input, onAction } from "./verb.ts";

export function docsAlertsCommand(
  cli: Cli,
  action: (run: (input: Input) => Promise<number>) => (input: Input) => Promise<void>,
  globals: () => GlobalOptions,
): Command {
  return onAction(
    new Command("alerts")
      .description("write the alert rules of this installation for Prometheus, and a dashboard for Grafana")
      .option("--out <folder>", "where; relative to the folder of config.yaml", "docs/monitoring")
      .option("--check", "write nothing; fail if a file is not as it would be written"),
    action((input) => writeMonitoring(cli, globals(), input)),
  );
}

async function writeMonitoring(cli: Cli, globals: GlobalOptions, { options }: Input): Promise<number> {
  const configPath = findConfig(cli, globals);
  const revision = await loadRevision(cli, configPath);
  const folder = resolve(dirname(configPath), String(options["out"]));
  const files = { "hookrail-rules.yaml": prometheusRules(revision), "hookrail-dashboard.json": grafanaDashboard() };
  if (options["check"] !== true) mkdirSync(folder, { recursive: true });
  let stale = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    if (options["check"] !== true) {
      writeFileSync(path, text);
      cli.out.write(`${path}\n`);
    } else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
      stale++;
      cli.err.write(`${path} is not what the config says; ${cli.name} docs alerts writes it\n`);
    }
  }
  return stale === 0 ? EXIT.ok : EXIT.findings;
}
