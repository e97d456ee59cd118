/** Another revision of the product to measure beside this one: its tree in a folder of its own, with this checkout's packages. */
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

export interface OtherTree {
  /** Short hash. */
  readonly revision: string;
  /** Folder of its files. */
  readonly root: string;
}

/** Unpacks `revision` of the repository at `checkout` below `folder`; the caller removes the folder. */
export function unpackRevision(checkout: string, revision: string, folder: string): OtherTree {
  const git = (args: readonly string[]) =>
    execFileSync("git", ["-C", checkout, ...args], { maxBuffer: 256 * 1024 * 1024 });
  const short = git(["rev-parse", "--short", `${revision}^{commit}`])
    .toString()
    .trim();
  const root = join(folder, `at-${short}`);
  mkdirSync(root);
  execFileSync("tar", ["-x", "-C", root], { input: git(["archive", short]) });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  return { revision: short, root };
}
