/** A command line without a process: its streams are strings, its time stands still. */
import { type Cli, chooseColors, type Output } from "../../engine/cli/context.ts";
import { runCli } from "../../engine/cli/index.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createCountingIds } from "../../engine/core/ids.ts";

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const CLI_NOW = Date.UTC(2026, 10, 24, 6);

/** Runs one command line in a folder. */
export async function runCommand(cwd: string, argv: readonly string[], change: Partial<Cli> = {}): Promise<CliRun> {
  const written = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof written): Output => ({
    write: (text) => {
      written[name] += text;
    },
    tty: false,
    columns: 100,
    color: chooseColors(false, {}),
  });
  const cli: Cli = {
    name: "hookrail",
    version: "1.2.3",
    env: {},
    cwd,
    out: stream("stdout"),
    err: stream("stderr"),
    clock: createVirtualClock(CLI_NOW),
    ids: createCountingIds(),
    randomHex: (bytes) => "ab".repeat(bytes),
    user: "ann",
    pid: 1,
    onStopSignal: () => {},
    onReloadSignal: () => {},
    onPluginFailure: () => {},
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
    readStdin: async () => "",
    screen: () => undefined,
    ...change,
  };
  const code = await runCli(cli, argv);
  return { code, ...written };
}
