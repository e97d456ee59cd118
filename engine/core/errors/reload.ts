import type { ErrorEntries } from "../errors.ts";

/** 804x: a new revision that can not take the place of the one at work. */
export const reloadErrors = {
  HK8040: {
    title: "A new config with errors",
    message: "the new config has errors ({count}); revision {revision} goes on",
    help: "Nothing has changed: the engine works on with the config it had. `hookrail check` prints the errors with their places; once they are mended the engine takes the config by itself.",
  },
  HK8041: {
    title: "A config that loses sight of live rows",
    message: "the config no longer has what live rows hold: {names}",
    help: "Rows in the store belong to a name that the config has no more. If it has a new name, say so under `moved:`, and the rows follow it; if it is gone on purpose, name it under `drop:`, and open work and deliveries of it end as skipped and discarded. Until then the config that was in force stays.",
    wrong: "connections:\n  crm-eu: { sink: http, url: https://crm.example.com }   # was: crm",
    right:
      "connections:\n  crm-eu: { sink: http, url: https://crm.example.com }\nmoved:\n  connections: { crm: crm-eu }",
  },
  HK8042: {
    title: "A new name that is taken",
    message: "what has moved would fall together with rows of their own: {names}",
    help: "Both names were in force before, so each may have rows, and which of them wins is not said. Keep both names, or end the old one with `drop:`.",
  },
  HK8043: {
    title: "A change that needs a restart",
    message: "{keys} can not change while the engine runs: restart it",
    help: "Addresses, the admin API, the store and sinks written in code are read once, at the start. All else is taken by a running engine. Until the restart the engine works with the config that it had, also with what else has changed in the files.",
  },
  HK8044: {
    title: "No place to change the revision",
    message: "what was under way did not end within {within} ms; the config that was in force goes on",
    help: "A new config takes the place of the old one between two events, and where something is moved or dropped also between two deliveries. `limits.drain` says how long that is waited for. The engine tries again with the next change, or with `hookrail reload`.",
  },
  HK8045: {
    title: "No engine to reload",
    message: "no engine is running here, or it is stopping: there is nothing to reload",
    help: "`hookrail reload` asks a running engine to take the config as it is now. Without one, `hookrail run` starts with it.",
  },
} as const satisfies ErrorEntries;
