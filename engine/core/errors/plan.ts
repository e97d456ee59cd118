import type { ErrorEntries } from "../errors.ts";

/** 8120 to 8139: plans. */
export const planErrors = {
  HK8120: {
    title: "Nothing to plan against",
    message: "`{against}` is no git revision with a config here, and no folder with a config.yaml",
    help: "`--against` takes a branch, tag or commit of the repository that config.yaml lies in, a folder with a config.yaml, or `running` for the revision that the store has in force. In CI the branch has to be fetched first: a shallow checkout has one commit only.",
  },
  HK8121: {
    title: "No revision is in force",
    message: "the store has no revision in force yet",
    help: "`running` is the revision that the engine last took. Start the engine once, or plan against a git revision.",
  },
  HK8122: {
    title: "A side of the plan has errors",
    message: "{side} has errors ({count}): nothing was planned",
    help: "Both configs have to be free of errors. Those above are of the side that is named. Secrets and variables that are not set here are no errors for a plan: nothing is sent.",
  },
} as const satisfies ErrorEntries;
