import type { ErrorEntries } from "../errors.ts";

/** 9xxx: faults of Hookrail's own. */
export const bugErrors = {
  HK9001: {
    title: "A case that can not be",
    message: "unexpected {what}: {value}",
    help: "This is a fault in Hookrail. Nothing was lost: the event is stored and will be tried again. Please report it with the line above.",
  },
  HK9002: {
    title: "Unexpected fault",
    message: "an unexpected fault in {where}",
    help: "Something failed in a way nobody foresaw; the log has the details. Nothing was lost: retry the dead letter, and report it if it happens again.",
  },
} as const satisfies ErrorEntries;
