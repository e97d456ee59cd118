import type { ErrorEntries } from "../errors.ts";

/** 8110-8119: what only `hookrail check` finds out. */
export const cliCheckErrors = {
  HK8110: {
    title: "A check of your own",
    message: "{message}",
    help: "A check under `checks:` in `config.yaml` is not true of this part of the config. The second place of the message shows the condition. The engine itself does not ask these checks: they are for the pull request.",
  },
  HK8111: {
    title: "A check that gives no answer",
    message: "check `{check}` of `{name}` gives {got} in place of true or false",
    help: '`require:` has to be true or false for every part of the config that `of:` finds. What is not there gives nothing: ask with `$exists(…)`, or compare with a default, as in `(sla.lag ? sla.lag : "60s") = "60s"`.',
    wrong: "require: runbook",
    right: "require: $exists(runbook)",
  },
  HK8112: {
    title: "A sink that can't be reached",
    message: "connection `{connection}` does not answer: {problem}",
    help: "`check --online` opens a connection to where each sink is (TCP, and TLS where the URL says https) and closes it again; for a sink with a check of its own it asks that. Nothing is written. The engine would keep deliveries and try again; a name that is misspelt stays so.",
  },
} as const satisfies ErrorEntries;
