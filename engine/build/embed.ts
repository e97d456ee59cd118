/** How the sources are turned into bundles that need no files beside them: what esbuild is told to replace, and why. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { build, type Plugin } from "esbuild";

/** Asset name -> file on this disk. */
export type Assets = Readonly<Record<string, string>>;

/** Name of better-sqlite3's addon among the parts. */
export const ADDON_PART = "better_sqlite3.node";

const DATA_FOLDERS = ["plugins", "engine/store/sql", "engine/cli/starter"];
/** What browsers are given, by `hookrail docs` and by the dashboard: here a script is data. */
const BROWSER_FOLDERS = ["engine/site/assets", "engine/ui"];
const CODE = /\.(ts|js|mjs)$/;

/** Data files by their path from the root, which is the name `readAsset` asks for. */
export function dataAssets(root: string): Assets {
  const data = DATA_FOLDERS.flatMap((folder) => listFiles(root, folder)).filter((name) => !CODE.test(name));
  const names = [...data, ...BROWSER_FOLDERS.flatMap((folder) => listFiles(root, folder))];
  return Object.fromEntries([...names, "package.json"].map((name) => [name, join(root, name)]));
}

function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

/** One bundle: a module that needs nothing but Node. Worker entries that its code starts are added to `workers`. */
export async function bundle(options: {
  readonly root: string;
  readonly entry: string;
  readonly outfile: string;
  readonly workers: Set<string>;
}): Promise<void> {
  const { root, entry, outfile, workers } = options;
  await build({
    stdin: { contents: entry, resolveDir: root, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node26",
    // Names stay as they are: a stack from the field has to say something.
    minifyWhitespace: true,
    legalComments: "none",
    logLevel: "warning",
    // pg asks for its native client only when it is told to.
    external: ["pg-native"],
    alias: { "hookrail/plugin": join(root, "engine/plugin/index.ts") },
    banner: { js: BANNER },
    plugins: [addonPlugin(root), sinksPlugin(root), workersPlugin(root, workers)],
  });
}

/** CommonJS packages ask for names that a module does not have. */
const BANNER = [
  `import { createRequire as __createRequire } from "node:module";`,
  `const require = __createRequire(process.execPath);`,
  `const __filename = process.execPath, __dirname = process.cwd();`,
].join("\n");

const partsModule = (root: string) => JSON.stringify(join(root, "engine/build/parts.ts"));

/** better-sqlite3 looks for its addon in its package; the binary has it as a part. */
function addonPlugin(root: string): Plugin {
  return {
    name: "addon",
    setup({ onLoad }) {
      onLoad({ filter: /better-sqlite3[\\/]lib[\\/]binding\.js$/ }, () => ({
        contents: `
          import { loadAddon } from ${partsModule(root)};
          let loaded;
          export const getBinding = (given) => (typeof given === "object" && given !== null ? given : (loaded ??= loadAddon(${JSON.stringify(ADDON_PART)})));`,
        loader: "js",
        resolveDir: root,
      }));
    },
  };
}

/** The shipped sinks are found by listing a folder; a bundle has to name them. */
function sinksPlugin(root: string): Plugin {
  const folder = join(root, "plugins/sinks");
  const names = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  const imports = names.map((name, n) => `import sink${n} from ${JSON.stringify(join(folder, name))};`);
  const found = names.map((name, n) => `{ descriptor: sink${n}, origin: ${JSON.stringify(`plugins/sinks/${name}`)} }`);
  return {
    name: "sinks",
    setup({ onLoad }) {
      onLoad({ filter: /engine[\\/]cli[\\/]shipped-sinks\.ts$/ }, () => ({
        contents: `${imports.join("\n")}\nexport const loadShippedSinks = async () => [${found.join(", ")}];`,
        loader: "ts",
        resolveDir: root,
      }));
    },
  };
}

const WORKER_URL = /new URL\(\s*"(\.[^"]+\.ts)",\s*import\.meta\.url,?\s*\)/g;

/** `new URL("./worker.ts", import.meta.url)` is how a thread's code is named; in the binary it is a part. */
function workersPlugin(root: string, workers: Set<string>): Plugin {
  return {
    name: "workers",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/](engine|plugins)[\\/].*\.ts$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        const contents = source.replace(WORKER_URL, (_whole, target: string) => {
          const entry = resolve(dirname(path), target);
          workers.add(entry);
          return `__partUrl(${JSON.stringify(workerPart(root, entry))})`;
        });
        if (contents === source) return undefined;
        return {
          contents: `import { partUrl as __partUrl } from ${partsModule(root)};\n${contents}`,
          loader: "ts",
          resolveDir: dirname(path),
        };
      });
    },
  };
}

/** Name of a worker's code among the parts, e.g. `engine-store-writer-thread.mjs`. */
export function workerPart(root: string, entry: string): string {
  const folder = relative(root, dirname(entry)).split(sep).join("-");
  return `${folder}-${basename(entry).replace(/\.ts$/, ".mjs")}`;
}
