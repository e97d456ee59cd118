import type { ErrorEntries } from "../errors.ts";

/** 8200-8209: silences and channels, as people use them. */
export const alertErrors = {
  HK8200: {
    title: "A pattern that can't be read",
    message: "`{match}` is no pattern of alerts",
    help: "A pattern is one or more `key=value`, parted by spaces, and all of them must hold: `hookrail alerts silence 'connection=crm' --for 2h --reason deploy`. Keys are pipeline, connection, source, team, kind and severity; a `*` stands for anything, and a value without a key matches any of them.",
  },
  HK8201: {
    title: "A silence of no length",
    message: "a silence lasts more than 0s and at most 30d, not {given}",
    help: "A silence is for a time that ends. What shall never be told is a rule: `alerts: { NAME: { on: KIND, pipelines: [NAME], severity: off } }`, which is reviewed like all else.",
  },
  HK8202: {
    title: "A channel that is not declared",
    message: "there is no channel `{channel}`",
    help: "Channels are declared under `channels:` of config.yaml, and `hookrail alerts channels` lists them. The running engine knows those of the config it works with: `hookrail reload` takes a new one.",
  },
  HK8203: {
    title: "No engine to ask about alerts",
    message: "no engine is running here: alerts are found and told by a running engine",
    help: "What was told before is in the store: `hookrail alerts list --all` shows it. Start the engine with `hookrail run`.",
  },
} as const satisfies ErrorEntries;
