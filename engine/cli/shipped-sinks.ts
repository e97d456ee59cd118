/** The sinks that are code, shipped with the product. In the single binary another file stands in for this one (build/embed.ts). */
import { join } from "node:path";
import { packageRoot } from "../core/paths.ts";
import { type FoundSink, loadSinkFolder } from "../plugin/registry.ts";

/** All of `plugins/sinks/*.ts`. */
export function loadShippedSinks(): Promise<readonly FoundSink[]> {
  return loadSinkFolder(join(packageRoot, "plugins/sinks"), (url) => import(url));
}
