/** What a run was measured on. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import Database from "better-sqlite3";

/** A heading and a line for a run: when, which revision, which command, which machine. */
export function describeRun(args: readonly string[], checkout: string): string {
  const [cpu] = cpus();
  const db = new Database(":memory:");
  const sqlite = String(db.prepare("SELECT sqlite_version()").pluck().get());
  db.close();
  const memoryGb = Math.round(totalmem() / 1024 ** 3);
  const load = loadavg()[0]?.toFixed(1);
  return [
    `## ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC, revision ${revisionOf(checkout)}`,
    "",
    `\`${["npm run bench", ...(args.length > 0 ? ["--", ...args] : [])].join(" ")}\` on ${cpus().length} cores of ${cpu?.model.trim() ?? "an unknown CPU"}, ${memoryGb} GB,`,
    `${process.platform} ${process.arch}, Node ${process.versions.node}, SQLite ${sqlite}; load average at the end ${load}.`,
  ].join("\n");
}

function revisionOf(checkout: string): string {
  const git = (...args: readonly string[]) =>
    execFileSync("git", ["-C", checkout, ...args], { encoding: "utf8" }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "engine", "plugins") !== "";
    return git("rev-parse", "--short", "HEAD") + (changed ? " with changes" : "");
  } catch {
    return "unknown";
  }
}
