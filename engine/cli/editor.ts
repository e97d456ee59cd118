/** Opens a text in the editor of whoever calls, in a folder that only they can read; the folder is gone afterwards, whatever happens. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "../core/errors.ts";
import type { Cli } from "./context.ts";

/** The text as it was saved. Fails when no editor is set (HK8250) or it ended with a failure (HK8255). */
export async function editText(
  cli: Cli,
  { text, ending }: { readonly text: string; readonly ending: string },
): Promise<Uint8Array> {
  const editor = [cli.env["VISUAL"], cli.env["EDITOR"]].find((one) => one !== undefined && one.trim() !== "");
  if (editor === undefined) return fail("HK8250", { problem: "neither VISUAL nor EDITOR is set" });
  if (cli.stdin?.tty !== true) return fail("HK8250", { problem: "there is no terminal for an editor here" });
  const folder = mkdtempSync(join(cli.env["TMPDIR"] ?? tmpdir(), "hookrail-edit-"));
  try {
    const file = join(folder, `body.${ending}`);
    writeFileSync(file, text, { mode: 0o600 });
    const how = await runEditor(cli, editor, file);
    if (how !== "code 0") fail("HK8255", { editor, how });
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As git does: the editor's setting may hold options. A stop signal ends the editor, and then its folder goes. */
function runEditor(cli: Cli, editor: string, file: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn("/bin/sh", ["-c", `${editor} "$@"`, editor, file], { stdio: "inherit", env: { ...cli.env } });
    // Ctrl-C belongs to the editor, which has the terminal.
    cli.onStopSignal((signal) => void (signal !== "SIGINT" && child.kill("SIGTERM")));
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code === null ? `signal ${signal}` : `code ${code}`));
  });
}
