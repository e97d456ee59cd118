/** `hookrail docs`: mapping table, event inventory and graph of the installation, written into a folder or compared with it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { staysInside } from "../config/files.ts";
import type { Revision } from "../config/revision.ts";
import { errorMessage } from "../core/errors.ts";
import { DOC_FORMATS, type DocFormat, documentsOf, SITE } from "../site/documents.ts";
import { type DocsFinding, type ReadText, runbookFindings, runbookPathOf, runbookSkeleton } from "../site/runbooks.ts";
import { loadRevision } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import { findConfig, type GlobalOptions } from "./installation.ts";
import type { Input } from "./verb.ts";

/** Options of the verb itself; its subcommands have their own. */
export function withSiteOptions(command: Command): Command {
  return command
    .option("--out <folder>", "where; relative to the folder of config.yaml", "docs/installation")
    .option("--format <formats>", "md, csv, html or all; several with commas (default: all)", parseFormats)
    .option("--title <text>", "what the pages are called", "Webhook pipelines")
    .option("--check", "write nothing; fail if a document is not as it would be written")
    .option("--runbooks", "also write a first runbook for each pipeline that has none")
    .option("--json", "machine output");
}

function parseFormats(text: string): ReadonlySet<DocFormat> {
  const names = text.split(",").map((one) => one.trim());
  if (names.includes("all")) return new Set(DOC_FORMATS);
  const known = names.filter((one): one is DocFormat => (DOC_FORMATS as readonly string[]).includes(one));
  if (known.length !== names.length) throw new InvalidArgumentError("expected md, csv, html or all");
  return new Set(known);
}

type Documents = Readonly<Record<string, string>>;

export async function writeDocs(cli: Cli, globals: GlobalOptions, { options }: Input): Promise<number> {
  const configPath = findConfig(cli, globals);
  const root = dirname(configPath);
  const revision = await loadRevision(cli, configPath);
  const out = resolve(root, String(options["out"]));
  const toRoot = `${relative(out, root).split(sep).join("/")}/`;
  const made = (of: ReadonlySet<DocFormat>) =>
    documentsOf(revision, { formats: of, toRoot, name: String(options["title"]) });
  const check = options["check"] === true;
  const given = options["format"] as ReadonlySet<DocFormat> | undefined;
  const formats = given ?? (check ? formatsIn(out, made) : new Set(DOC_FORMATS));
  const documents = made(formats);
  const read: ReadText = (path) => readBelow(root, path);
  const runbooks = options["runbooks"] === true && !check ? writeRunbooks(root, revision, read) : [];
  const findings = runbookFindings(revision, read);
  const stale = staleOf(out, documents, formats);
  if (!check) apply(out, documents, stale);
  report(cli, { out, stale, runbooks, findings, check, json: options["json"] === true });
  const dead = findings.some(({ code }) => code !== "HK8165");
  return dead || (check && stale.length > 0) ? EXIT.findings : EXIT.ok;
}

/** The formats that are kept there: one that nobody wrote is not missing. All of them where there is nothing yet. */
function formatsIn(out: string, made: (of: ReadonlySet<DocFormat>) => Documents): ReadonlySet<DocFormat> {
  const kept = DOC_FORMATS.filter((format) =>
    Object.keys(made(new Set([format]))).some((path) => existsSync(join(out, path))),
  );
  return new Set(kept.length === 0 ? DOC_FORMATS : kept);
}

/** A file or folder below the root; what is outside is not looked at. */
function readBelow(root: string, path: string): string | undefined {
  if (!staysInside(path)) return undefined;
  const full = join(root, path);
  if (!existsSync(full)) return undefined;
  return statSync(full).isDirectory() ? "" : readFileSync(full, "utf8");
}

interface Stale {
  readonly path: string;
  readonly why: "missing" | "differs" | "left over";
}

function staleOf(out: string, documents: Documents, formats: ReadonlySet<DocFormat>): readonly Stale[] {
  const changed = Object.entries(documents).flatMap(([path, text]): readonly Stale[] => {
    const full = join(out, path);
    if (!existsSync(full)) return [{ path, why: "missing" }];
    return readFileSync(full, "utf8") === text ? [] : [{ path, why: "differs" }];
  });
  return [...changed, ...(formats.has("html") ? leftOver(out, documents) : [])];
}

/** Pages of what is no longer in the config. Only pages that this command has made are taken for such. */
function leftOver(out: string, documents: Documents): readonly Stale[] {
  const site = join(out, SITE);
  if (!existsSync(site)) return [];
  const pages = readdirSync(site, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
  return pages
    .map((name) => `${SITE}/${name.split(sep).join("/")}`)
    .filter((path) => !(path in documents))
    .filter((path) => readFileSync(join(out, path), "utf8").includes('content="hookrail docs"'))
    .sort()
    .map((path) => ({ path, why: "left over" }));
}

function apply(out: string, documents: Documents, stale: readonly Stale[]): void {
  for (const { path, why } of stale) {
    const full = join(out, path);
    if (why === "left over") {
      rmSync(full);
      continue;
    }
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, documents[path] as string);
  }
}

/** Where none is yet; what is there is never touched. */
function writeRunbooks(root: string, revision: Revision, read: ReadText): readonly string[] {
  return revision.pipelines.flatMap((pipeline) => {
    const path = runbookPathOf(pipeline);
    if (/^[a-z][a-z0-9+.-]*:/i.test(path) || !staysInside(path) || read(path) !== undefined) return [];
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), runbookSkeleton(revision, pipeline), { flag: "wx" });
    return [path];
  });
}

interface Report {
  readonly out: string;
  readonly stale: readonly Stale[];
  readonly runbooks: readonly string[];
  readonly findings: readonly DocsFinding[];
  readonly check: boolean;
  readonly json: boolean;
}

function report(cli: Cli, { out, stale, runbooks, findings, check, json }: Report): void {
  const shown = relative(cli.cwd, out) || ".";
  const told = findings.map(({ code, data, position }) => ({ code, message: errorMessage(code, data), position }));
  if (json) {
    printJson(cli, { out: shown, checked: check, documents: stale, runbooks, findings: told });
    return;
  }
  const { color } = cli.err;
  for (const { path, why } of stale)
    cli.out.write(`${join(shown, path)}${why === "left over" || check ? ` (${why})` : ""}\n`);
  for (const path of runbooks) cli.out.write(`${path}\n`);
  for (const { code, message, position } of told) {
    const severity = code === "HK8165" ? color.yellow("warning") : color.red("error");
    cli.err.write(
      `${position.file}:${position.line}:${position.column}: ${severity}${color.dim(`[${code}]`)}: ${message}\n`,
    );
  }
  if (check && stale.length > 0) {
    const message = errorMessage("HK8168", { count: stale.length, path: shown });
    cli.err.write(`${color.red("error")}${color.dim("[HK8168]")}: ${message}; \`${cli.name} docs\` writes them\n`);
  } else
    cli.err.write(
      stale.length === 0 ? "all documents are what the config says\n" : `${stale.length} documents written\n`,
    );
}
