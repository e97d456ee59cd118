import type { ErrorEntries } from "../errors.ts";

/** 5430 to 5432: sinks in code that do not keep what they promise. */
export const sinkCodeErrors = {
  HK5430: {
    title: "A sink in code opens nothing that sends",
    message: "`open` of sink `{sink}` gives nothing with a function `{member}`",
    help: "`open` returns `{ prepare, send, close }`, as docs/plugins.md shows. Until then deliveries of this connection wait; the others go on.",
  },
  HK5431: {
    title: "A sink in code makes no request",
    message: "`prepare` of sink `{sink}` gives no request that can be kept",
    help: "It returns `{ summary, data }`: a text, and a mapping of what JSON can say (no functions, no bigint, no cycle), since it is stored before it is sent. Mend the plugin, start again, and retry the dead letters.",
  },
  HK5432: {
    title: "A sink in code gives no outcome",
    message: "`send` of sink `{sink}` gives no outcome",
    help: 'It returns `{ kind: "delivered" }`, or retry, rejected, pause or unknown with a `detail`, one for each request. Any other answer counts as a throw: nobody knows whether the delivery was applied.',
  },
  HK5440: {
    title: "A promise of a plugin failed and nobody waited for it",
    message: "a promise of {kind} `{plugin}` failed and nothing waited for it",
    help: "A function that gives a promise was called without `await`, and without a `catch`. While a delivery is sent, its answer counts for nothing then, as after a throw: nobody knows whether it was applied. Later it is only told. `at` in the log is the line, where the error knows it: put `await` before each call that gives a promise, and end those that go on by themselves with `.catch(…)`.",
    wrong: 'writeFile(file, text);\nreturn { kind: "delivered" };',
    right: 'await writeFile(file, text);\nreturn { kind: "delivered" };',
  },
} satisfies ErrorEntries;
