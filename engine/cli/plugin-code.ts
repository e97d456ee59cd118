/** Imports an installation's plugins, and gives them `hookrail/plugin`: they lie outside this package, where Node finds no such name. */
import { createRequire, registerHooks } from "node:module";
import { isSea } from "node:sea";
import { fileURLToPath } from "node:url";
import * as api from "../plugin/index.ts";

const SPECIFIER = "hookrail/plugin";
const URL_OF_API = "hookrail:plugin";
/** Where the module below finds what this process runs: a second copy of the API would have classes of its own. */
const SHARED = Symbol.for("hookrail.plugin");
const source = [
  'const api = globalThis[Symbol.for("hookrail.plugin")];',
  ...Object.keys(api).map((name) => `export const ${name} = api.${name};`),
].join("\n");

let provided = false;

function provideApi(): void {
  if (provided) return;
  provided = true;
  Reflect.set(globalThis, SHARED, api);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === SPECIFIER ? { url: URL_OF_API, format: "module", shortCircuit: true } : next(specifier, context),
    load: (url, context, next) =>
      url === URL_OF_API ? { format: "module", source, shortCircuit: true } : next(url, context),
  });
}

/** The single binary's `import` knows only Node's own modules; its `require` reads files, modules too. */
export async function importPlugin(url: string): Promise<unknown> {
  provideApi();
  return isSea() ? createRequire(process.execPath)(fileURLToPath(url)) : import(url);
}
