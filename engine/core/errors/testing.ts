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
  HK8303: {
    title: "No such pipeline",
    message: "there is no pipeline {pipeline}",
    help: "`hookrail test` takes names of pipelines, as their `pipeline:` key says; without names it runs the tests of all.",
  },
  HK8304: {
    title: "A recorded event can not be read",
    message: "{path} is not a recorded event",
    help: "`file:` of a test's event names a JSON file with `headers` and `body`, below the folder of `config.yaml`.",
  },
} as const satisfies ErrorEntries;
