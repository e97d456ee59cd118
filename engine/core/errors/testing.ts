import type { ErrorEntries } from "../errors.ts";

/** 83xx: `tests:` that can not be run. */
export const testingErrors = {
  HK8301: {
    title: "No such source in a test",
    message: "a test's event comes in by the source {source}, which is not there",
    help: "Name a source of `config.yaml`, or one a pipeline declares inline, in `source:` of the event.",
  },
  HK8302: {
    title: "No such sample event",
    message: "the provider {provider} has no sample event {sample}",
    help: "`hookrail send --list` shows the sample events of each provider. A recorded event can be named with `file:`, a whole payload given with `body:`.",
  },
} as const satisfies ErrorEntries;
