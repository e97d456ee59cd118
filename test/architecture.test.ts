import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../engine/core/paths.ts";

/** Lower layers come first; a file may import from lower layers and from its own folder (docs/architecture.md). */
const layers: readonly (readonly string[])[] = [
  // The dashboard runs in browsers: it stands on nothing of the engine, and nothing stands on it.
  ["ui"],
  ["core"],
  ["plugin"],
  ["provider", "mapping", "ordering", "store", "network", "delivery"],
  ["config"],
  ["flow"],
  ["worker", "http", "testing", "reload", "metrics", "telemetry", "alerts"],
  ["plan", "site"],
  ["cli", "build"],
];
/** The runner of `tests:` stands on the engine that worker/ builds; nothing else crosses within a layer. */
const allowed = new Set(["testing -> worker"]);

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => relative(packageRoot, join(entry.parentPath, entry.name)));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(packageRoot, file), "utf8");
  const found = text.matchAll(/^(?:import|export)\s+(type\s+)?[^;]*?from\s+"([^"]+)"|import\("([^"]+)"\)/gm);
  return [...found].map((match) => {
    const target = (match[2] ?? match[3]) as string;
    const to = target.startsWith(".") ? relative(packageRoot, resolve(packageRoot, dirname(file), target)) : target;
    return { from: file, to, typeOnly: match[1] !== undefined };
  });
}

const folderOf = (file: string): string | undefined => /^engine\/([^/]+)\//.exec(file)?.[1];
const layerOf = (folder: string): number => layers.findIndex((layer) => layer.includes(folder));

const files = sourceFiles("engine");
const imports = files.flatMap(importsOf);

describe("the import law", () => {
  it("knows the layer of every folder", () => {
    const folders = new Set(files.map(folderOf).filter((folder) => folder !== undefined));
    expect([...folders].filter((folder) => layerOf(folder) === -1)).toEqual([]);
  });

  it("lets imports point down only, and rooms never import each other", () => {
    const broken = imports.flatMap(({ from, to }) => {
      const [mine, theirs] = [folderOf(from), folderOf(to)];
      if (mine === undefined || theirs === undefined || mine === theirs || allowed.has(`${mine} -> ${theirs}`))
        return [];
      return layerOf(theirs) < layerOf(mine) ? [] : [`${from} imports ${to}`];
    });
    expect(broken).toEqual([]);
  });

  it("has no cycles among value imports", () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports)
      if (!typeOnly && to.startsWith("engine/")) graph.set(from, [...(graph.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file);
      if (at !== -1) cycles.push([...path.slice(at), file].join(" -> "));
      if (at !== -1 || done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    // The catalogue's parts name the type of their entries; that edge is type-only.
    expect(cycles).toEqual([]);
  });

  it("lets plugins import the plugin API only", () => {
    const inner = sourceFiles("plugins")
      .flatMap(importsOf)
      .filter(({ to }) => to.startsWith("engine/") && !to.startsWith("engine/plugin/"));
    expect(inner.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("imports no plugin by name", () => {
    expect(
      imports.filter(({ to }) => to.startsWith("plugins/")).map(({ from, to }) => `${from} imports ${to}`),
    ).toEqual([]);
  });

  it("reads the environment in the composition root only", () => {
    const readers = files.filter((file) => /process\.env\b/.test(readFileSync(join(packageRoot, file), "utf8")));
    expect(readers.filter((file) => !["engine/main.ts", "engine/hookrail.js"].includes(file))).toEqual([]);
  });

  it("keeps files to a size one can read in a sitting", () => {
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(packageRoot, file), "utf8").split("\n").length }))
      .filter(({ lines }) => lines > 320);
    expect(long).toEqual([]);
  });
});
