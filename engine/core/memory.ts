/** Memory that loading a config has used and running does not need. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects all garbage and gives the emptied pages back to the system: V8 itself keeps the room that compiling a config
 * took, some 90 MB, for as long as the process is idle. It holds up the thread, so that it is for the time before there is
 * work, and for a moment after a reload.
 */
export function releaseLoadMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  if (typeof collect === "function") collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
