/** What every verb is given: streams, time, environment. No verb reaches for `process`. */
import pc from "picocolors";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import type { FloatingFailure } from "../plugin/floating.ts";
import type { Screen } from "./top.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/** One of the two output streams. Colour and width are decided once, by what it is connected to. */
export interface Output {
  write(text: string): void;
  readonly tty: boolean;
  readonly columns: number;
  readonly color: Colors;
}

/** What is typed, or comes through a pipe. */
export interface TypedInput {
  readonly stream: NodeJS.ReadableStream;
  readonly tty: boolean;
  /** Where a terminal shows it while it is edited; absent: nowhere. */
  readonly screen?: NodeJS.WritableStream;
}

export interface Cli {
  /** How this program is called, for the commands that messages suggest: `npx hookrail` or `hookrail`. */
  readonly name: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Data. */
  readonly out: Output;
  /** Messages. */
  readonly err: Output;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Random bytes, hex: for ids of requests and new secrets. */
  readonly randomHex: (bytes: number) => string;
  readonly user: string;
  readonly pid: number;
  /** Calls back for each SIGINT and SIGTERM; and for SIGHUP on a terminal, which says that it has been closed. */
  readonly onStopSignal: (handler: (signal: string) => void) => void;
  /** Calls back for each SIGHUP where there is no terminal: read the config again. */
  readonly onReloadSignal: (handler: () => void) => void;
  /** Calls back for each promise of a plugin that failed with nobody waiting for it; before, it is said on stderr. */
  readonly onPluginFailure: (handler: (failure: FloatingFailure) => void) => void;
  /** Ends the process at once: for the second stop signal. */
  readonly exit: (code: number) => void;
  readonly readStdin: () => Promise<string>;
  /** The terminal with its keys, one key at a time; undefined where one of the two is not a terminal. */
  readonly screen: () => Screen | undefined;
  /** Standard input as it comes; absent: there is none. */
  readonly stdin?: TypedInput;
}

/** Exit codes of all verbs (design.md, section 5; the last three are those of sysexits.h). */
export const EXIT = { ok: 0, findings: 1, changes: 2, usage: 64, internal: 70, config: 78 } as const;

/** Colours for a stream: none when piped, or when NO_COLOR is set (no-color.org); FORCE_COLOR overrides. */
export function chooseColors(tty: boolean, env: Cli["env"]): Colors {
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  return pc.createColors(forced || (tty && !env["NO_COLOR"] && env["TERM"] !== "dumb"));
}
