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
  HK8142: {
    title: "Nothing to record",
    message: "no event to record: {problem}",
    help: "Give the id of an event, or `--last N` for the newest ones, narrowed down by `--source`, `--pipeline`, `--type` or `--since`. An event whose body is gone (`retention:`), or was erased, can not be recorded any more.",
  },
  HK8143: {
    title: "An event that can not be recorded",
    message: "{id} can not be recorded: {problem}",
    help: "A recording needs the event's body in the store, a source of that name in config.yaml, and a body that its recipe can read.",
  },
  HK8144: {
    title: "The file is there already",
    message: "{path} is there already",
    help: "A fixture may have been edited by hand, so none is written over by itself. Give another name with `--out`, or `--force`.",
  },
  HK8145: {
    title: "A recording that could not be written",
    message: "{path} could not be written: {problem}",
    help: "The folder must be one that this user may write to. Nothing else was changed.",
  },
  HK8146: {
    title: "No corpus, or not a whole one",
    message: "{folder} is no corpus that can be read: {problem}",
    help: "A corpus is what `hookrail record --last N --corpus DIR` writes: manifest.json and events.ndjson, together. Record it anew, or take both files from git.",
  },
} as const satisfies ErrorEntries;
