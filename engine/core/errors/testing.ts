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
  HK8310: {
    title: "A trace that ends in more than one way",
    message: "the trace `{trace}` ends differently: {difference}",
    help: "Providers send events late, twice and in any order, and a trace must end in one state whatever order they arrive in. The two orders shown do not. Usual causes: events that share an instant and have no rank in the recipe (`ranks:`), a source that gives no time, a move the table of `states:` does not allow from where the other order has led (and no `hold:` that forces it), or two sources that write one attribute without `writers:`.",
  },
  HK8311: {
    title: "An event of a trace that nobody takes",
    message: "event {event} of the trace `{trace}` is not taken: {why}",
    help: "The trace would prove less than it seems to. Its events come in as the sources' senders sign them, and some pipeline must have a rule for their type.",
  },
  HK8312: {
    title: "A trace of which only a sample was run",
    message:
      "the trace `{trace}` leads to too many different states to follow all of them; a sample was run, chosen by the seed {seed}",
    help: "Every order of arrival is followed, and orders that have come to the same state go on as one. Here they stay apart for too long: most often the source gives no time, so that receipt alone orders its events. `hookrail test` follows more of them than `check` does; `--seed` chooses another sample.",
  },
} as const satisfies ErrorEntries;
