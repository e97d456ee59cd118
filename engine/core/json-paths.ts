/** Dot paths into JSON, and many of them compiled into one tree that a scan can walk along. */

/** A step of the watched paths. */
export interface PathNode {
  /** Keys below this one, as UTF-8 bytes, so that the hot loop makes no strings. */
  readonly keys: { readonly name: string; readonly bytes: Uint8Array; readonly node: PathNode }[];
  /** Set where a watched path ends. */
  path?: string;
  /** Which paths reach this node: named when a key on the way is doubled. */
  label: string;
}

/** Watched paths, compiled: share it between scans. */
export interface JsonPaths {
  readonly root: PathNode;
}

/** Splits `a.b[0].c` into its keys; an index is a key of digits. */
export function splitPath(path: string): readonly string[] {
  return path === ""
    ? []
    : path
        .replace(/\[(\d+)\]/g, ".$1")
        .replace(/^\./, "")
        .split(".");
}

/** Compiles paths such as `data.object.id` or `entry[0].id` for `scanJson`. */
export function compileJsonPaths(paths: Iterable<string>): JsonPaths {
  const root: PathNode = { keys: [], label: "" };
  for (const path of paths) {
    let node = root;
    for (const name of splitPath(path)) {
      let next = node.keys.find((key) => key.name === name);
      if (next === undefined) {
        next = {
          name,
          bytes: Buffer.from(name),
          node: { keys: [], label: node.label === "" ? name : `${node.label}.${name}` },
        };
        node.keys.push(next);
      }
      node = next.node;
    }
    node.path = path;
  }
  return { root };
}
