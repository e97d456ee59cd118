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
  HK8123: {
    title: "A posted config that is not taken",
    message: "{problem}",
    help: "A config for `POST /api/v1/plan` is texts by their path below the folder of `config.yaml`: YAML, CSV and JSON. Plugins in code are those of the engine that is asked; none comes with a post.",
  },
  HK8124: {
    title: "A plan is being made",
    message: "the engine is making a plan already, and makes one at a time",
    help: "Ask again when it is done: a plan ends within a minute.",
  },
  HK8125: {
    title: "A posted config has errors",
    message: "{side} has errors ({count}): {errors}",
    help: "`hookrail check` shows all of them with their lines. Where it finds none, the engine that is asked is of another version, or lacks a plugin in code that the config uses.",
  },
  HK8126: {
    title: "The plan took too long",
    message: "the plan was not done within {seconds} s and has been ended",
    help: "Ask for fewer events (`--last`), or a shorter span (`--since`). Beside the store, `hookrail plan` has no such bound.",
  },
  HK8127: {
    title: "The plan's process has failed",
    message: "no plan came of it: {problem}",
    help: "Plans for the admin API are made in a process of their own, which may use 1 GB of memory. Ask for fewer events (`--last`), or run `hookrail plan` beside the store, which says more.",
  },
  HK8128: {
    title: "An engine that makes no plans",
    message: "{where} has no `POST /api/v1/plan`",
    help: "The engine there is of a version before this. Update it, or plan over a corpus: `hookrail record --last 500 --corpus corpus` beside its store, then `hookrail plan --corpus corpus`.",
  },
  HK8129: {
    title: "No engine to plan over",
    message: "no engine answers at {where}: there are no events to plan over",
    help: "`--remote` asks a running engine. Name its admin address (`--remote https://ops.example.com:8081`), start it here with `hookrail run`, or leave `--remote` out: the store here is read without an engine.",
  },
} as const satisfies ErrorEntries;
