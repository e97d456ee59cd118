/** The recipes and presets the product ships, by name: an installation's own files of the same name win over them. */
import { listAssets, readAsset } from "../core/assets.ts";

export interface ShippedFiles {
  /** Text of a shipped file, e.g. `plugins/providers/stripe.yaml`; undefined when there is none. */
  read(path: string): string | undefined;
  /** Paths below a folder. */
  list(folder: string): readonly string[];
}

/** Names of the YAML files directly in a folder: `plugins/providers/stripe.yaml` is `stripe`. */
export function namesOf(paths: readonly string[], folder: string): readonly string[] {
  return paths.flatMap((path) => {
    const match = /^(.*)\/([^/]+)\.ya?ml$/.exec(path);
    return match !== null && match[1] === folder && match[2] !== undefined ? [match[2]] : [];
  });
}

/** The product's own. */
export const shippedFiles: ShippedFiles = {
  list: (folder) => listAssets(folder),
  read(path) {
    try {
      return readAsset(path);
    } catch {
      return undefined;
    }
  },
};
