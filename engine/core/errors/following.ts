import type { ErrorEntries } from "../errors.ts";

/** 8140 to 8152: stories, recordings and live events. */
export const followingErrors = {
  HK8140: {
    title: "No engine to follow",
    message: "no engine answers at {where}: there is nothing to follow",
    help: "`hookrail tail` shows what a running engine does. Start one with `hookrail run`; what happened before is in `hookrail events`.",
  },
  HK8141: {
    title: "The engine went away",
    message: "the connection to the engine was lost",
    help: "The engine ended without a word: it was killed, or it crashed. What it had accepted is in the store; `hookrail events` lists it.",
  },
} as const satisfies ErrorEntries;
