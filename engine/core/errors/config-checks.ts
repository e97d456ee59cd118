import type { ErrorEntries } from "../errors.ts";

/** 1240-1269: who may write what, what production asks for, and checks of a team's own. */
export const configCheckErrors = {
  HK1240: {
    title: "A pipeline that is not among the writers",
    message: "pipeline `{pipeline}` writes `{attribute}`, which only {writers} may",
    help: "An attribute with `writers:` is written by the pipelines it lists, and by no others, also where only one writes it. So the owner of the attribute sees every new writer as a change of that line, and says who wins.",
    wrong: "balance: { type: integer, owner: finance, writers: [invoice-paid] }   # and refunds writes it",
    right: "balance: { type: integer, owner: finance, writers: [invoice-paid, refunds] }",
  },
  HK1241: {
    title: "An attribute of another team",
    message: "pipeline `{pipeline}` of `{team}` writes `{attribute}`, which `{owner}` owns",
    help: "Each attribute has one owner, who answers for its value. On production a pipeline writes the attributes of its own team, and those that list it under `writers:`: so that the owner has agreed, in a line that a diff shows. Elsewhere it is not told.",
    wrong: "balance: { type: integer, owner: finance }                         # and a pipeline of sales writes it",
    right: "balance: { type: integer, owner: finance, writers: [deal-won] }",
  },
  HK1242: {
    title: "A pipeline on production without a runbook",
    message: "pipeline `{pipeline}` has no runbook",
    help: "Who is called at night opens the link in the alert. Name a page that says what the pipeline does, what usually goes wrong, how to stop it and who to ask: a file below the config's folder, or a URL. Elsewhere than on production it is not told.",
    wrong: "pipeline: paid-premium\nowner: revenue-ops",
    right: "pipeline: paid-premium\nowner: revenue-ops\nrunbook: docs/runbooks/paid-premium.md",
  },
  HK1243: {
    title: "A runbook that is not there",
    message: "there is no file `{path}`",
    help: "The alert would lead to nothing. Paths are relative to the folder of `config.yaml`. What begins with `https:` is not looked at.",
    wrong: "runbook: runbook/paid-premium.md",
    right: "runbook: docs/runbooks/paid-premium.md",
  },
  HK1244: {
    title: "A team on production that hears of nothing",
    message: "no alert of pipeline `{pipeline}` reaches team `{team}`: it has no channel",
    help: "Dead letters and late deliveries of a pipeline are told to the team that owns it. Without a channel they are only in the log and in `hookrail status`. Declare one under `channels:` and name it in the team, or as `alerting.default` for all.",
    wrong: "teams:\n  revenue-ops: {}",
    right: "channels:\n  ops: { log: true }\nteams:\n  revenue-ops: { alerts: ops }",
  },
  HK1245: {
    title: "A pipeline on production without a target",
    message: "pipeline `{pipeline}` says nothing of how fast and how reliably it delivers",
    help: "Without `sla:` the defaults hold (60 s, 99 %), which nobody has agreed to. Retries, alerts and the error budget follow from it. Elsewhere than on production it is not told.",
    wrong: "pipeline: paid-premium",
    right: "pipeline: paid-premium\nsla: { lag: 60s, objective: 99.9% }",
  },
  HK1246: {
    title: "A pipeline on production without a contract",
    message: "pipeline `{pipeline}` names no version of its payload's contract",
    help: "Without a contract the first sign of a change at the sender is a wrong value. With one, an event that breaks what a rule reads is a dead letter that says so, anything else that changed is counted as drift, and `check` knows the type of every path. Elsewhere than on production it is not told.",
    wrong: "source: stripe",
    right: "source: stripe\ncontract: 2025-10-15",
  },
  HK1247: {
    title: "A private key on production where the sender's public one belongs",
    message: "source `{source}` verifies with a private key: whoever has it can sign as the sender",
    help: "`hookrail init` makes such a key, so that tests and `hookrail send` can sign before the provider is set up. Real requests are signed with a key that only the provider has, and would be refused. Put the public key that the provider shows into the file, or take the param away where the provider's own certificate is fetched. Elsewhere than on production it is not told.",
    wrong: 'secrets: ["${file:keys/discord.dev.pem}"]',
    right: 'secrets: ["${DISCORD_PUBLIC_KEY}"]',
  },
  HK1250: {
    title: "A check of a section that is not there",
    message: "there is no section `{section}` to look at",
    help: "`of:` is a path into the config: a key of `config.yaml`, or `pipelines` for the pipelines of all files, then names of members, with `*` for each of them.",
    wrong: "of: pipeline.*",
    right: "of: pipelines.*",
  },
  HK1251: {
    title: "A check that looks at nothing",
    message: "`{of}` finds nothing: there can be no `{step}` there",
    help: "No config can have anything at this path; a name in it is misspelt, perhaps. A check that is never asked would look as if it held.",
    wrong: "of: pipelines.*.slas",
    right: "of: pipelines.*.sla",
  },
  HK1252: {
    title: "A version that nothing shows",
    message:
      "`unknown_version` needs to know an event's version, and contract {contract} does not say how events show it",
    help: "The contract file says under `shown_by:` where an event says its version: a path of its body, or a header. Without it no event could be told from another.",
    wrong: "contract: { version: v1, unknown_version: reject }      # and v1 has no shown_by",
    right: "shown_by: { from: body:api_version }",
  },
  HK1253: {
    title: "A place of the version that can not be read",
    message: "`{from}` is no place in a request",
    help: "Of a request the engine keeps its body and the headers that the source lists: `body:PATH` with names and dots, or `header:NAME`.",
    wrong: "shown_by: { from: api_version }",
    right: "shown_by: { from: body:api_version }",
  },
  HK1254: {
    title: "A header that is not kept",
    message: "events show their version in the header `{header}`, which source `{source}` does not keep",
    help: "What is not kept of a request is gone when the event is applied. List the header under `keep_headers:` of the source.",
    wrong: "shopify: { provider: shopify, path: /hooks/shopify }",
    right: "shopify: { provider: shopify, path: /hooks/shopify, keep_headers: [x-shopify-api-version] }",
  },
} as const satisfies ErrorEntries;
