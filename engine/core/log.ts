/**
 * The log: one line for each thing an operator should know, metadata only. Bodies, secrets and sensitive
 * attributes have no field to go into; what still slips in by name or by control character is masked here.
 */
import { createHmac } from "node:crypto";
import { type DestinationStream, destination, pino, stdTimeFunctions } from "pino";
import type { Clock } from "./clock.ts";
import { HookrailError } from "./errors.ts";
import { createRepeatLimit } from "./repeat-limit.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined | readonly string[]>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /**
   * A line that outsiders can cause without end. `cause` is a short constant text (`bad_signature stripe`), never
   * taken from a request: after the first few in a minute the rest are only counted.
   */
  repeating(level: LogLevel, cause: string, message: string, fields?: LogFields): void;
  /** What is below is not written from now on. */
  setLevel(level: LogLevel): void;
  /** The same log with these fields on every line. */
  child(fields: LogFields): Log;
  /** Writes what is still to be written; for the end of the process. */
  flush(): void;
}

/** Where lines go: a sync stream, so that the last line before a crash is on disk. */
export type LogStream = DestinationStream & { flushSync?(): void };

/** Lines longer than this are cut: a field is a name, an id or a number, not a text. */
const MAX_TEXT = 500;
// C0, DEL, C1 (8-bit escape sequences), line and paragraph separators, bidirectional overrides.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const SECRET_NAME = /authorization|cookie|secret|passw|signature|token|api[-_]?key/i;

/** Text that can not break a line, colour a terminal or fill a disk. */
export function safeText(text: string): string {
  const cut = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return cut.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function safeFields(fields: LogFields): LogFields {
  const safe: Record<string, LogFields[string]> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") safe[name] = SECRET_NAME.test(name) ? "[secret]" : safeText(value);
    else if (Array.isArray(value)) safe[name] = value.map((item) => safeText(String(item)));
    else safe[name] = value;
  }
  return safe;
}

/** A log over a stream of lines; see `openLogStream` for the usual ones. */
export function createLog(options: {
  readonly stream: LogStream;
  readonly clock: Clock;
  readonly level?: LogLevel;
}): Log {
  const { stream, clock } = options;
  const root = pino(
    {
      level: options.level ?? "info",
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  const limit = createRepeatLimit({
    clock,
    summary: (cause, times) =>
      root.warn({ cause, times }, "more of the same in the last minute, not written one by one"),
  });
  const wrap = (logger: typeof root): Log => {
    const write = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (!logger.isLevelEnabled(level)) return;
      if (fields === undefined) logger[level](safeText(message));
      else logger[level](safeFields(fields), safeText(message));
    };
    const log: Log = {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      repeating(level, cause, message, fields) {
        if (logger.isLevelEnabled(level) && limit.admit(cause)) log[level](message, fields);
      },
      setLevel(level) {
        logger.level = level;
      },
      child: (fields) => wrap(logger.child(safeFields(fields))),
      flush() {
        limit.flush();
        stream.flushSync?.();
      },
    };
    return log;
  };
  return wrap(root);
}

/** JSON lines for pipes and files; readable lines for a terminal. Closed pipes are ignored: the engine goes on. */
export async function openLogStream(options: {
  readonly fd: number;
  readonly readable: boolean;
  readonly color: boolean;
}): Promise<LogStream> {
  const raw = destination({ fd: options.fd, sync: true });
  raw.on("error", () => {});
  if (!options.readable) return raw;
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    colorize: options.color,
    sync: true,
    destination: raw,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
    ignore: "pid,hostname",
  });
}

/** A log that writes nothing: for tests and dry runs. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  repeating() {},
  setLevel() {},
  child: () => silentLog,
  flush() {},
};

/**
 * What may be said of a caught error: our own code and message, else its name, system code and stack frames. The
 * message of a foreign error is left out, since parsers quote the text they fail on.
 */
export function errorFields(error: unknown): LogFields {
  if (error instanceof HookrailError) return { code: error.code, error: error.message };
  if (!(error instanceof Error)) return { error: typeof error };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const frames = (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  return { error: error.name, system_code: code, at: frames.slice(0, 4).map((line) => line.trim()) };
}

/** A keyed hash of a sensitive value: equal values can be matched, and the value not guessed without the key. */
export function hashSensitive(key: string | Uint8Array, value: string): string {
  return `h:${createHmac("sha256", key).update(value).digest("hex").slice(0, 16)}`;
}
