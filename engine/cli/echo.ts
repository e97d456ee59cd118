/** `hookrail echo`: the effective config, defaults filled in, tables and fragments resolved, secrets named and never shown. */
import { Command } from "commander";
import { Document, isCollection, isMap, isNode, isScalar, isSeq } from "yaml";
import { type Draft, type Effective, effectiveConfig, type Origins } from "../config/echo/effective.ts";
import { fail } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { loadInstallation } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { printJson } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const echoVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("echo")
      .description("print the config as it is in force: defaults filled in, tables and fragments resolved, no secrets")
      .argument("[pipelines...]", "only these pipelines, and what they use of config.yaml")
      .option("--origin", "say of each line where it comes from")
      .option("--json", "machine output"),
    action(async (input) => {
      const { configPath } = findInstallation(cli, globals());
      return echo(cli, configPath, input);
    }),
  );

async function echo(cli: Cli, configPath: string, { args, options }: Input): Promise<number> {
  const loaded = await loadInstallation(cli, configPath);
  const { revision, written } = loaded;
  if (revision === undefined || written === undefined) {
    printDiagnostics(cli, cli.err, loaded);
    return fail("HK8019", { count: loaded.diagnostics.filter((one) => one.severity === "error").length });
  }
  const known = revision.pipelines.map((pipeline) => pipeline.name);
  for (const name of args) {
    if (known.includes(name)) continue;
    const hint = didYouMean(name, known);
    fail("HK8153", { pipeline: name }, hint === undefined ? {} : { hint });
  }
  const effective = effectiveConfig(revision, written, args);
  const origin = options["origin"] === true;
  if (options["json"] === true)
    printJson(cli, {
      revision: revision.hash,
      environment: revision.environment,
      config: effective.config,
      pipelines: effective.pipelines,
      ...(origin ? { origins: originsOf(effective) } : {}),
    });
  else {
    cli.out.write(`# revision ${revision.hash.slice(0, 12)}, environment ${revision.environment}\n`);
    cli.out.write(
      documentsOf(effective)
        .map(({ draft }) => render(draft, origin ? effective.origins : undefined))
        .join("---\n"),
    );
  }
  return EXIT.ok;
}

interface Shown {
  /** Where its paths start in `origins`. */
  readonly at: string;
  readonly draft: Draft;
}

function documentsOf({ config, pipelines }: Effective): readonly Shown[] {
  return [{ at: "/config", draft: config }, ...pipelines.map((draft, index) => ({ at: `/pipelines/${index}`, draft }))];
}

/** JSON pointer -> where it comes from. */
function originsOf(effective: Effective): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = (holder: object, at: string): void => {
    for (const [key, value] of Object.entries(holder)) {
      const path = `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const origin = effective.origins.of(holder, key);
      if (origin !== undefined) found[path] = origin;
      if (typeof value === "object" && value !== null) walk(value, path);
    }
  };
  for (const { at, draft } of documentsOf(effective)) walk(draft, at);
  return found;
}

function render(draft: Draft, origins: Origins | undefined): string {
  const document = new Document(draft, { aliasDuplicateObjects: false });
  dress(document.contents, draft, origins);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Short lists stand in one line, and behind each line stands where it comes from. */
function dress(node: unknown, value: unknown, origins: Origins | undefined): void {
  if (typeof value !== "object" || value === null) return;
  const member = (one: unknown, name: string | number) => {
    if (!isNode(one)) return;
    if (isCollection(one)) one.flow = one.items.every((item) => isSeq(one) && isScalar(item));
    const origin = origins?.of(value, name);
    if (origin !== undefined && (isScalar(one) || (isCollection(one) && one.flow === true))) one.comment = ` ${origin}`;
    if (isCollection(one) && one.flow !== true) dress(one, Reflect.get(value, name), origins);
  };
  if (isMap(node)) for (const { key, value: one } of node.items) member(one, String(isScalar(key) ? key.value : key));
  else if (isSeq(node)) for (const [index, one] of node.items.entries()) member(one, index);
}
