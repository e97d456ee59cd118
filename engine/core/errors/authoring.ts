import type { ErrorEntries } from "../errors.ts";

/** 815x and 816x: `echo` and `eval`. */
export const authoringErrors = {
  HK8153: {
    title: "No such pipeline",
    message: "there is no pipeline `{pipeline}`",
    help: "Pipelines go by the name behind `pipeline:`, not by their file. `hookrail status` lists them.",
  },
} as const satisfies ErrorEntries;
