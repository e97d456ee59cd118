/** `hookrail plugins`: every provider, sink and signature scheme there is, where each comes from and what it replaces. */
import { dirname, join, relative } from "node:path";
import { Command } from "commander";
import { parse } from "yaml";
import { yamlFiles } from "../config/documents.ts";
import { createDiskReader } from "../config/files.ts";
import { namesOf, shippedFiles } from "../config/shipped.ts";
import { packageRoot } from "../core/paths.ts";
import { signatureSchemes } from "../plugin/scheme.ts";
import { loadRegistry } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText, printJson } from "./format.ts";
import { findConfig } from "./installation.ts";
import { onAction, type Verb } from "./verb.ts";

export const pluginsVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("plugins")
      .description(
        "list the providers, sinks and signature schemes there are, where each comes from and what it replaces",
      )
      .option("--own", "only those of the installation")
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const all = await listPlugins(dirname(findConfig(cli, globals())));
      const plugins = options["own"] === true ? all.filter(({ from }) => from === "installation") : all;
      if (options["json"] === true) printJson(cli, { plugins });
      else printPlugins(cli, plugins);
      return EXIT.ok;
    }),
  );

/** One plugin, as `--json` shows it. */
interface Listed {
  readonly kind: "provider" | "sink" | "scheme";
  readonly name: string;
  readonly from: "built in" | "shipped" | "installation";
  readonly form: "yaml" | "code";
  /** Relative to the installation, or to the product for what is shipped; none for what is built in. */
  readonly file?: string;
  /** The date its facts were last checked. */
  readonly verified_on?: string;
  /** How the facts about its signature are known. */
  readonly signature_from?: string;
  /** The shipped file of the same name that no longer counts. */
  readonly replaces?: string;
}

async function listPlugins(root: string): Promise<readonly Listed[]> {
  const registry = await loadRegistry(root);
  const code = registry.list().map(({ descriptor: { name }, origin }) => codeFile("sink", name, { origin, root }));
  const schemes = [...registry.schemes.values()].map(({ descriptor: { name }, origin }) =>
    codeFile("scheme", name, { origin, root }),
  );
  const builtIn = signatureSchemes.map((name): Listed => ({ kind: "scheme", name, from: "built in", form: "code" }));
  const presets = yamlPlugins("sink", "plugins/sinks", root);
  const replaced = new Set(presets.map(({ name }) => name));
  return [
    ...yamlPlugins("provider", "plugins/providers", root),
    ...sorted([
      ...presets.map((preset) => withReplaced(preset, code)),
      ...code.filter(({ name }) => !replaced.has(name)),
    ]),
    ...sorted([...builtIn, ...schemes]),
  ];
}

const sorted = (plugins: readonly Listed[]) => [...plugins].sort((a, b) => (a.name < b.name ? -1 : 1));

/** An installation's preset wins over a sink in code, too. */
function withReplaced(preset: Listed, code: readonly Listed[]): Listed {
  const file = code.find(({ name }) => name === preset.name)?.file;
  return file === undefined ? preset : { ...preset, replaces: file };
}

function codeFile(
  kind: "sink" | "scheme",
  name: string,
  { origin, root }: { readonly origin: string; readonly root: string },
): Listed {
  const own = origin.startsWith(join(root, "plugins")) && root !== join(packageRoot, ".");
  const file = own ? relative(root, origin) : origin.replace(packageRoot, "");
  return { kind, name, from: own ? "installation" : "shipped", form: "code", file };
}

/** Recipes and presets: the installation's own in place of the shipped ones of the same name. */
function yamlPlugins(kind: "provider" | "sink", folder: string, root: string): readonly Listed[] {
  const reader = createDiskReader(root);
  const shipped = new Map(
    namesOf(shippedFiles.list(`${folder}/`), folder).map((name) => [name, `${folder}/${name}.yaml`]),
  );
  const own = new Map(
    yamlFiles(reader, folder).flatMap((path) => namesOf([path], folder).map((name) => [name, path] as const)),
  );
  return [...new Set([...shipped.keys(), ...own.keys()])].sort().map((name): Listed => {
    const file = shipped.get(name);
    const mine = own.get(name);
    const text = mine === undefined ? undefined : reader.read(mine);
    const shippedText = file === undefined ? undefined : shippedFiles.read(file);
    const isOwn = mine !== undefined && !(text?.ok === true && text.text === shippedText);
    return {
      kind,
      name,
      from: isOwn ? "installation" : "shipped",
      form: "yaml",
      file: isOwn ? mine : (file ?? ""),
      ...factsOf(isOwn ? (text?.ok === true ? text.text : "") : (shippedText ?? "")),
      ...(isOwn && file !== undefined ? { replaces: file } : {}),
    };
  });
}

function factsOf(text: string): Pick<Listed, "verified_on" | "signature_from"> {
  const document = parsed(text);
  const verified = member(document, "verified_on");
  const signature = member(member(document, "confidence"), "signature");
  return {
    ...(typeof verified === "string" ? { verified_on: verified } : {}),
    ...(typeof signature === "string" ? { signature_from: signature } : {}),
  };
}

/** A broken file is listed all the same; `check` says what is wrong with it. */
function parsed(text: string): unknown {
  try {
    return parse(text, { logLevel: "silent", maxAliasCount: 10 });
  } catch {
    return undefined;
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

function printPlugins(cli: Cli, plugins: readonly Listed[]): void {
  const width = Math.max(0, ...plugins.map(({ name }) => name.length));
  for (const plugin of plugins) {
    const facts = [
      plugin.verified_on === undefined ? undefined : `checked ${plugin.verified_on}`,
      plugin.signature_from === undefined ? undefined : `signature: ${plugin.signature_from}`,
      plugin.replaces === undefined ? undefined : `replaces ${plugin.replaces}`,
    ].filter((fact) => fact !== undefined);
    const words = [plugin.kind.padEnd(8), plugin.name.padEnd(width), plugin.from.padEnd(12)];
    const line = [...words, plugin.file, facts.join(", ")].filter((word) => word !== undefined && word !== "");
    cli.out.write(`${plainText(line.join("  ")).trimEnd()}\n`);
  }
}
