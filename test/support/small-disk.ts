/** A tmpfs of a few MiB under a folder, with ballast on it that can be let go: a disk that fills up, and has room again. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether this user may mount. In CI the proof is not left out: there it fails and says what it needs. */
export function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "hookrail-mount-"));
  const mounted = mount(folder, 64 * 1024);
  if (mounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  if (!mounted && process.env["CI"] !== undefined)
    throw new Error("the proofs of a full disk need the right to mount a tmpfs: run the tests as root");
  return mounted;
}

const mount = (folder: string, bytes: number) =>
  spawnSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "hookrail-test", folder], { stdio: "ignore" }).status === 0;

export interface SmallDisk {
  /** Takes all that is free but `spare` bytes. */
  fill(spare?: number): void;
  /** Lets all ballast go. */
  free(): void;
  remove(): void;
}

export function mountSmallDisk(folder: string, bytes: number): SmallDisk {
  mkdirSync(folder, { recursive: true });
  if (!mount(folder, bytes)) throw new Error(`can not mount on ${folder}`);
  const ballast = join(folder, "ballast");
  return {
    fill(spare = 0) {
      const reserve = join(folder, "reserve");
      writeFileSync(reserve, Buffer.alloc(spare));
      for (let size = bytes; size >= 4_096; size = Math.trunc(size / 2)) {
        try {
          writeFileSync(ballast, Buffer.alloc(size), { flag: "a" });
        } catch {
          // What of it fitted stays: then the next smaller piece.
        }
      }
      rmSync(reserve);
    },
    free: () => rmSync(ballast, { force: true }),
    remove: () => void spawnSync("umount", ["-l", folder]),
  };
}
