/** What commands that watch a running engine may find. */
import type { ErrorEntries } from "../errors.ts";

/** 8190-8199: status and top. */
export const observingErrors = {
  HK8190: {
    title: "No engine to watch",
    message: "no engine answers at {where}: there is nothing to watch",
    help: "`hookrail top` shows what a running engine does now. Start one with `hookrail run`, or name one elsewhere with `--url`. What is stored is shown without an engine too: `hookrail status`, `hookrail events`.",
  },
} as const satisfies ErrorEntries;
