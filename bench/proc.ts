/** What the kernel counts for a process. Linux only: elsewhere the figures are left out. */
import { readFileSync } from "node:fs";

/** The unit of /proc/PID/stat's times on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time of all threads of the process so far, user and system, ms. */
export function cpuMs(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold spaces; the fields are counted from behind its closing bracket.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** Resident memory, MB. */
export function rssMb(pid: number): number | undefined {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kb === undefined ? undefined : Number(kb) / 1024;
  } catch {
    return undefined;
  }
}
