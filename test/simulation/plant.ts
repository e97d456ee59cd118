/** Loaded with `node --import` before everything else: plants the defect that HOOKRAIL_DEFECT names. */
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../engine/core/paths.ts";
import { type Defect, defects } from "./defects.ts";
import { planted } from "./planted.ts";

const name = process.env["HOOKRAIL_DEFECT"];
const defect = defects.find((one) => one.name === name);
if (defect === undefined) throw new Error(`no defect is called ${name}`);
plant(defect);

function plant(one: Defect): void {
  const target = pathToFileURL(join(packageRoot, one.file)).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target || loaded.source === undefined || loaded.source === null) return loaded;
      return { ...loaded, source: planted(one, Buffer.from(loaded.source as string | Uint8Array).toString("utf8")) };
    },
  });
}
