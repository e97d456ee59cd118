import type { ErrorEntries } from "../errors.ts";

/** 815x and 816x: `echo` and `eval`. */
export const authoringErrors = {
  HK8153: {
    title: "No such pipeline",
    message: "there is no pipeline `{pipeline}`",
    help: "Pipelines go by the name behind `pipeline:`, not by their file. `hookrail status` lists them.",
  },
  HK8154: {
    title: "Nothing to evaluate on",
    message: "`{expression}` reads the payload, and none is given",
    help: "Say which: `--sample stripe/invoice.paid`, `--event ID` for one that is stored, `--file payload.json`, or JSON on standard input, one payload a line.",
  },
  HK8155: {
    title: "No such payload",
    message: "{what} can't be used: {problem}",
    help: "An event goes by the id that `hookrail events` shows, and has its body until its retention ends. A file holds one payload as JSON, or a recorded request with `headers` and `body`.",
  },
  HK8156: {
    title: "No such rule",
    message: "pipeline `{pipeline}` has no rule `{rule}`{why}",
    help: "A rule goes by its place from 1, by its `name:`, or by an event type that it takes. Without `--rule` it is the first one that takes the event's type.",
  },
  HK8157: {
    title: "The test could not be saved",
    message: "the test `{name}` was not saved: {problem}",
    help: "`eval` saves what the rule writes for this payload as a test of the pipeline, and runs it once before it keeps it. Stored events stay out of git: record one first, with what is personal taken out, and evaluate on that file.",
  },
} as const satisfies ErrorEntries;
