/** `hookrail docs`: documents of the installation; `docs reference|errors`: the pages that are made from the code. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { providerPages } from "../config/provider-pages/index-page.ts";
import { withOwnRecipes } from "../config/recipes.ts";
import { editorSchemaOf, FILE_KINDS, type FileKind } from "../config/schema/editor.ts";
import { referenceMarkdown } from "../config/schema/reference.ts";
import { readAsset } from "../core/assets.ts";
import { adminApiMarkdown, openApiText } from "../http/admin-page.ts";
import { metricsMarkdown } from "../metrics/page.ts";
import { loadRegistry } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { docsAlertsCommand } from "./docs-alerts.ts";
import { withSiteOptions, writeDocs } from "./docs-site.ts";
import { errorsMarkdown } from "./errors-page.ts";
import { type OwnPlugins, pluginRoot, readOwnPlugins } from "./own-plugins.ts";
import { onAction, type Verb } from "./verb.ts";

export const docsVerb: Verb = (cli, action, globals) => {
  const reference = new Command("reference")
    .description(
      "write the reference of the language, its JSON Schemas, the pages of the providers, sinks and error codes, with your own plugins",
    )
    .argument("[folder]", "where", "docs")
    .option("--check", "write nothing; fail if a page is not as it would be written");
  onAction(
    reference,
    action(async ({ args: [folder = "docs"], options }) => {
      const installation = pluginRoot(cli, globals());
      const own = readOwnPlugins(installation, await loadRegistry(installation));
      const root = resolve(installation, folder);
      const pages = generatedPages(own);
      return options["check"] === true ? checkPages(cli, root, pages) : writePages(cli, root, pages);
    }),
  );
  const errors = new Command("errors").description("print the page of all error codes");
  onAction(
    errors,
    action(async () => {
      cli.out.write(errorsMarkdown());
      return EXIT.ok;
    }),
  );
  const docs = new Command("docs").description(
    "write what the config says as documents: mapping table, events, graph, a site; also the reference pages",
  );
  onAction(
    withSiteOptions(docs),
    action((input) => writeDocs(cli, globals(), input)),
  );
  return docs
    .enablePositionalOptions()
    .addCommand(docsAlertsCommand(cli, action, globals))
    .addCommand(reference)
    .addCommand(errors);
};

/** The same files that `init --ci` writes. */
const CI_FILES = ["github-actions.yml", "gitlab-ci.yml"];

type Pages = Readonly<Record<string, string>>;

/** Path below the docs folder -> content. */
export function generatedPages({ recipes, presets, sinks }: OwnPlugins): Pages {
  const pages = Object.entries(referenceMarkdown(sinks, presets)).map(([name, text]) => [`reference/${name}`, text]);
  const schemas = (Object.keys(FILE_KINDS) as FileKind[]).map((kind) => [
    `reference/${kind}.schema.json`,
    `${JSON.stringify(editorSchemaOf(kind, sinks), undefined, 1)}\n`,
  ]);
  const providers = Object.entries(providerPages(withOwnRecipes(recipes))).map(([name, text]) => [
    `providers/${name}`,
    text,
  ]);
  return {
    ...Object.fromEntries([...pages, ...schemas, ...providers]),
    ...Object.fromEntries(CI_FILES.map((name) => [`ci/${name}`, readAsset(`engine/cli/starter/ci/${name}`)])),
    "errors.md": errorsMarkdown(),
    "metrics.md": metricsMarkdown(),
    "reference/admin-api.md": adminApiMarkdown(),
    "reference/admin-api.json": openApiText("v1"),
  };
}

function writePages(cli: Cli, root: string, pages: Pages): number {
  for (const [name, text] of Object.entries(pages)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    cli.out.write(`${path}\n`);
  }
  return EXIT.ok;
}

function checkPages(cli: Cli, root: string, pages: Pages): number {
  const stale = Object.entries(pages).filter(([name, text]) => {
    const path = join(root, name);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  for (const [name] of stale) cli.err.write(`${join(root, name)} is not what the code says; npm run gen writes it\n`);
  return stale.length === 0 ? EXIT.ok : EXIT.findings;
}
