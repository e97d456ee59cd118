/** `hookrail fmt`: formats the YAML of the installation, keeping comments and meaning. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Command } from "commander";
import { type FormatOptions, formatYaml } from "../config/format-yaml.ts";
import { FILE_KINDS, type FileKind, schemaOf } from "../config/schema/editor.ts";
import { errorMessage, fail } from "../core/errors.ts";
import { type Cli, EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import { findConfig } from "./installation.ts";
import { unifiedDiff } from "./line-diff.ts";
import { onAction, type Verb } from "./verb.ts";

export const fmtVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("fmt")
      .description("format YAML: indentation, spaces, expressions on their own lines; comments and meaning stay")
      .argument("[paths...]", "files and folders, - for stdin; without them those of the installation")
      .option("--check", "write nothing; fail if a file is not formatted, and list it")
      .option("--diff", "write nothing; show what would change")
      .option("--sort", "also put the keys of each file into the order of the reference")
      .option("--json", "machine output"),
    action(async ({ args, options }) => {
      const format = formatOptions(options["sort"] === true);
      if (args.length === 1 && args[0] === "-") return formatStdin(cli, format, options["check"] === true);
      const files =
        args.length === 0 ? ownFiles(dirname(findConfig(cli, globals()))) : args.flatMap((path) => given(cli, path));
      const results = files.map((file) => formatFile(file, format));
      const write = options["check"] !== true && options["diff"] !== true;
      for (const { file, before, after } of results)
        if (write && after !== undefined && after !== before) writeFileSync(file, after);
      const shown = (file: string) => relative(cli.cwd, file) || file;
      const changed = results.filter(({ before, after }) => after !== undefined && after !== before);
      const faults = results.filter(({ problem }) => problem !== undefined);
      if (options["json"] === true)
        printJson(cli, {
          files: results.length,
          changed: changed.map(({ file }) => shown(file)),
          faults: faults.map(({ file, problem, line }) => ({
            file: shown(file),
            problem,
            ...(line !== undefined && { line }),
          })),
          written: write,
        });
      else {
        for (const { file, before, after = "" } of changed)
          cli.out.write(options["diff"] === true ? unifiedDiff(shown(file), before, after) : `${shown(file)}\n`);
        for (const { file, problem = "", line } of faults)
          tellFault(cli, line === undefined ? shown(file) : `${shown(file)}:${line}`, problem);
        const word = write ? "formatted" : "to be formatted";
        cli.err.write(`${changed.length} of ${results.length} files ${word}\n`);
      }
      return faults.length > 0 || (!write && changed.length > 0) ? EXIT.findings : EXIT.ok;
    }),
  );

function tellFault(cli: Cli, file: string, problem: string): void {
  const { color } = cli.err;
  cli.err.write(`${color.red("error")}${color.dim("[HK8169]")}: ${errorMessage("HK8169", { file, problem })}\n`);
}

async function formatStdin(cli: Cli, format: FormatOptions, check: boolean): Promise<number> {
  const text = await cli.readStdin();
  const result = formatYaml(text, format);
  if (!result.ok) {
    tellFault(cli, result.line === undefined ? "stdin" : `stdin:${result.line}`, result.problem);
    return EXIT.findings;
  }
  if (!check) cli.out.write(result.text);
  return check && result.text !== text ? EXIT.findings : EXIT.ok;
}

interface FileResult {
  readonly file: string;
  readonly before: string;
  readonly after?: string;
  readonly problem?: string;
  readonly line?: number;
}

function formatFile(file: string, options: FormatOptions): FileResult {
  const before = readFileSync(file, "utf8");
  const result = formatYaml(before, options);
  if (result.ok) return { file, before, after: result.text };
  return { file, before, problem: result.problem, ...(result.line !== undefined && { line: result.line }) };
}

const KINDS = Object.keys(FILE_KINDS) as FileKind[];

/** A file is of the kind whose key it has; what has none of them is the installation's config, or nothing of ours. */
function kindOf(keys: readonly string[]): FileKind | undefined {
  const kind = KINDS.find((one) => FILE_KINDS[one].key !== undefined && keys.includes(FILE_KINDS[one].key));
  return (
    kind ??
    (keys.includes("sources") || keys.includes("entities") || keys.includes("connections") ? "config" : undefined)
  );
}

function formatOptions(sort: boolean): FormatOptions {
  const schemas = new Map<FileKind, unknown>();
  const schemaFor = (keys: readonly string[]) => {
    const kind = kindOf(keys);
    if (kind === undefined) return undefined;
    if (!schemas.has(kind)) schemas.set(kind, schemaOf(kind));
    return schemas.get(kind);
  };
  return {
    schemaOf: schemaFor,
    ...(sort && {
      orderOf(keys) {
        const schema = schemaFor(keys);
        const known =
          typeof schema === "object" && schema !== null && "properties" in schema
            ? Object.keys(schema.properties as object)
            : [];
        const rank = (key: string) => (known.includes(key) ? known.indexOf(key) : known.length);
        return keys.toSorted((a, b) => rank(a) - rank(b));
      },
    }),
  };
}

const isYaml = (name: string) => /\.ya?ml$/.test(name);

function below(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => isYaml(name) && !/(^|[\\/])(node_modules|\.git)[\\/]/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

function ownFiles(root: string): readonly string[] {
  return [join(root, "config.yaml"), ...below(join(root, "pipelines")), ...below(join(root, "plugins"))];
}

function given(cli: Cli, path: string): readonly string[] {
  const full = resolve(cli.cwd, path);
  const found = !existsSync(full) ? [] : statSync(full).isDirectory() ? below(full) : [full];
  return found.length === 0 ? fail("HK8170", { path }) : found;
}
