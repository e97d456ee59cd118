/**
 * The data files the product ships (provider recipes, sink presets, sample pipelines, SQL migrations), read
 * from the checkout or, in the single binary, from its embedded assets. Names are paths from the package root.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { getAsset, getAssetKeys, isSea } from "node:sea";
import { packageRoot } from "./paths.ts";

/** Text of one shipped file, e.g. `plugins/providers/stripe.yaml`. Throws if it does not exist. */
export function readAsset(name: string): string {
  return isSea() ? getAsset(name, "utf8") : readFileSync(join(packageRoot, name), "utf8");
}

/** Names of the shipped files below a folder, e.g. `plugins/providers/`, sorted. */
export function listAssets(folder: string): string[] {
  if (isSea())
    return getAssetKeys()
      .filter((key) => key.startsWith(folder))
      .sort();
  return readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packageRoot.length).replaceAll("\\", "/"))
    .sort();
}
