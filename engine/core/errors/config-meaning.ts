import type { ErrorEntries } from "../errors.ts";

/** 104x and 105x: names that refer to nothing. 106x and on: things that contradict each other, or are flagged. */
export const configMeaningErrors = {
  HK1040: {
    title: "Team not declared",
    message: "{kind} `{name}` is not declared",
    help: "Every pipeline and attribute has a team that answers for it. Teams are declared once, under `teams:` of config.yaml.",
    wrong: "owner: revenue_ops",
    right: "owner: revenue-ops",
  },
  HK1041: {
    title: "Entity not declared",
    message: "{kind} `{name}` is not declared",
    help: "What is written is declared once, under `entities:` of config.yaml, so that no raw provider field leaks into the CRM.",
  },
  HK1042: {
    title: "Attribute not declared",
    message: "{kind} `{name}` is not declared",
    help: "Only declared attributes can be written, sent or expected. Declare it with its type and owner under the entity's `attributes:`, or correct the name.",
    wrong: "fields: { teir: $price }",
    right: "fields: { tier: $price }",
  },
  HK1043: {
    title: "State not declared",
    message: "{kind} `{name}` is not declared",
    help: "An entity has the states listed under its `states:`, and no others.",
  },
  HK1044: {
    title: "Table or column not declared",
    message: "{kind} `{name}` is not declared",
    help: "Lookups are declared under `tables:` of config.yaml. `plans.plan` is the column `plan` of the table `plans`.",
  },
  HK1045: {
    title: "Source not declared",
    message: "{kind} `{name}` is not declared",
    help: "A pipeline names a source of config.yaml, or writes one inline: `source: { path: /hooks/x, provider: stripe, secrets: [...] }`.",
  },
  HK1046: {
    title: "Connection not declared",
    message: "{kind} `{name}` is not declared",
    help: "Connections are configured sinks, declared under `connections:` of config.yaml.",
  },
  HK1047: {
    title: "No such provider",
    message: "{kind} `{name}` is not known",
    help: "A provider is a recipe: a file in plugins/providers/, shipped or beside config.yaml. A home-made sender needs none: write its `signature:` inline.",
  },
  HK1048: {
    title: "No such sink",
    message: "{kind} `{name}` is not known",
    help: "A sink is a file in plugins/sinks/, shipped or beside config.yaml. docs/reference/connections.md lists those that ship; `http` reaches any API.",
  },
  HK1049: {
    title: "Id not declared",
    message: "{kind} `{name}` is not declared",
    help: "The names an entity goes by in different systems are listed under its `ids:`; the first is the key.",
    wrong: "key: { clerk: id }",
    right: "key: { clerk_id: id }",
  },
  HK1050: {
    title: "No such pipeline",
    message: "{kind} `{name}` is not there",
    help: "Pipelines are the documents of pipelines/*.yaml, by their `pipeline:` name.",
  },
  HK1051: {
    title: "No such sample event",
    message: "{kind} `{name}` is not known",
    help: "Tests start from the sample events of recipes (`samples:`), those of the pipeline's own provider first. `provider/sample` names another one's. A recorded event is named with `file:`.",
  },
  HK1052: {
    title: "No such contract version",
    message: "{kind} `{name}` is not there",
    help: "A contract is a file: pipelines/contracts/PROVIDER/VERSION.yaml.",
  },
  HK1053: {
    title: "Channel not declared",
    message: "{kind} `{name}` is not declared",
    help: "Where alerts go is declared under `channels:` of config.yaml.",
  },
  HK1054: {
    title: "No such role",
    message: "{kind} `{name}` is not known",
    help: "The roles are viewer, operator and admin; `admin.roles` can change what each may do.",
  },
  HK1055: {
    title: "A name that means something else",
    message: "`{name}` can't be the name of an {kind}: the word is taken",
    help: "Entities are read as variables (`$customer`) and stand beside other keys in tests, attributes stand beside `state` and `key`. Choose another name.",
  },
  HK1056: {
    title: "Nothing is sent under this name",
    message: "no pipeline sends `{name}`",
    help: "`sent:` counts deliveries by event name or action. A misspelt name would be sent 0 times for ever, and the test would prove nothing.",
  },
  HK1057: {
    title: "A store that is not built in",
    message: "`{store}` is no store of this version",
    help: "Events are kept in SQLite: `sqlite:PATH`.",
    wrong: "store: mysql://localhost/hookrail",
    right: "store: sqlite:./data/hookrail.db",
  },
  HK1058: {
    title: "A key whose behaviour comes later",
    message: "`{key}` does nothing in this version yet",
    help: "The key belongs to the language, so that files need not change when its behaviour comes, but this version does not act on it. Where ignoring it would make what is written wrong, or let in what it keeps out, it is an error.",
  },
  HK1060: {
    title: "Two sources on one path",
    message: "path `{path}` is taken by the sources `{first}` and `{second}`",
    help: "A request is routed by its exact path, so a path belongs to one source. Several pipelines may share a source: name it in config.yaml and refer to it.",
  },
  HK1061: {
    title: "Two of one name",
    message: "two {kind} are called `{name}`",
    help: "Names tell things apart in history, metrics and commands. Rename one; `moved:` keeps what is stored under the old name.",
  },
  HK1062: {
    title: "Several pipelines write one attribute",
    message: "{pipelines} write `{attribute}`",
    help: "When several pipelines write one attribute, the attribute lists them under `writers:`, highest precedence first, so that two teams can not overwrite each other unseen. Between pipelines of one team on one source the clock decides, and it is only a warning.",
    wrong: "plan: { type: string, owner: revenue-ops }",
    right: "plan: { type: string, owner: revenue-ops, writers: [plan-changes, paid-premium] }",
  },
  HK1063: {
    title: "A writer that does not write",
    message: "pipeline `{pipeline}` is listed as a writer and never writes `{attribute}`",
    help: "Take it off the list: a later change could begin to write without a review of who wins.",
  },
  HK1070: {
    title: "Parents in a circle",
    message: "the parents form a circle: {chain}",
    help: "Rollups run from children to parents, so an entity can not be its own ancestor.",
  },
  HK1071: {
    title: "An attribute that contradicts itself",
    message: "{problem}",
    help: "What the attribute asks for does not go with its type. Numbers, times and booleans have an order; text has one only through `enum:`, low to high.",
    wrong: "stage: { type: string, owner: marketing, write: up }",
    right: "stage: { type: string, enum: [lead, customer], owner: marketing, write: up }",
  },
  HK1072: {
    title: "A declared value the type refuses",
    message: "`{value}` is no value of {what}",
    help: "Values in `enum:` and `none:` are of the attribute's own type.",
    wrong: "seats: { type: integer, enum: [one, two], owner: success }",
    right: "seats: { type: integer, enum: [1, 2], owner: success }",
  },
  HK1073: {
    title: "A rollup or derivation that can not be computed",
    message: "{problem}",
    help: "A rollup takes an attribute of a child entity (`of: subscription.plan`), of the same type; `take: count` takes the child alone. A derived attribute reads attributes of its own entity that are not derived themselves.",
  },
  HK1074: {
    title: "Blanking an attribute that is not clearable",
    message: "{what}: the attribute is not clearable",
    help: "An attribute is blanked only if it says `clearable: true`: most blank fields in a CRM are accidents.",
    wrong: "cancel_at: { from: cancel_at, on_null: clear }   # cancel_at: { type: time, owner: x }",
    right: "cancel_at: { from: cancel_at, on_null: clear }   # cancel_at: { type: time, owner: x, clearable: true }",
  },
  HK1075: {
    title: "An entity that can not be made",
    message: "`unknown: create` needs the key `{key}` of `{entity}`",
    help: "The write finds its entity by another id. When none has that id there is nothing to make one from: wait for it (`hold`) or let a person look (`reject`).",
    wrong: "account: { key: { stripe_id: customer }, unknown: create }",
    right: "account: { key: { stripe_id: customer }, unknown: hold }",
  },
  HK1076: {
    title: "A parent that can not be found",
    message: "{problem}",
    help: "`parent_of: CHILD` is the parent of a child that the same rule writes.",
    wrong: "customer: { key: { parent_of: charge } }",
    right: "charge: { key: charge }\ncustomer: { key: { parent_of: charge } }",
  },
  HK1077: {
    title: "Lowering what is not protected",
    message: "`{attribute}` is not protected, so `lowers` says nothing",
    help: "Reviewers grep for `lowers:`. Take the name out, or protect the attribute.",
  },
  HK1078: {
    title: "A rule that is never reached",
    message: "an earlier rule takes every {types}",
    help: "Only the first rule that matches an event is used, and an earlier one takes these types without a `when`. Put the special rule first.",
  },
  HK1079: {
    title: "A table row without the column",
    message: "row `{key}` of table `{table}` has no `{column}`",
    help: "A key without a value would be a dead letter for each event that has it. Give the row its value.",
  },
  HK1080: {
    title: "A value that can not be written",
    message: "`{value}` is not {what}",
    help: "The constant or table value is of another type than what it is written to, or not among its `enum:` or `states:`. Each event with it would become a dead letter, or lose the value.",
  },
  HK1081: {
    title: "Writing what is computed",
    message: "`{attribute}` is {how}, so no row can write it",
    help: "A computed attribute follows from others. Write those.",
  },
  HK1083: {
    title: "A protected attribute with a value for missing",
    message: "`{attribute}` is protected: `missing: { value: … }` would overwrite it when a payload is partial",
    help: "A refund or credit that knows nothing of the plan must not change it. Keep what is stored (the default), reject the event, or give a value for entities that have none yet.",
    wrong: "tier: { from: plan, missing: { value: free } }",
    right: "tier: { from: plan, missing: { initial: free } }",
  },
  HK1084: {
    title: "Another owner than declared",
    message: "`{attribute}` belongs to `{owner}`, not to `{said}`",
    help: "The owner is declared with the attribute. A row may repeat it for the reader, and must then agree.",
  },
  HK1090: {
    title: "An endpoint without a signature",
    message: "anyone can send to `{path}`: its scheme is `none`",
    help: "Whoever guesses the URL can forge events. It is allowed because some senders can not sign; restrict it with `networks:`, and write nothing protected from it.",
  },
  HK1091: {
    title: "Effects that fire once, and nothing was seeded",
    message: "this fires once for each entity, and Hookrail does not know yet which ones are old",
    help: "For an installation that was never seeded, an old customer's next renewal looks like a first one. `seed: none` says that there is nothing to know, or that this is accepted.",
  },
  HK1092: {
    title: "No secret to verify with",
    message: "source `{source}` has no secrets, and {provider} signs",
    help: "Without a secret nothing can be verified, and nothing unverified gets in. Name the secret the provider shows beside the endpoint.",
    wrong: "stripe: { provider: stripe, path: /hooks/stripe }",
    right: 'stripe: { provider: stripe, path: /hooks/stripe, secrets: ["${STRIPE_WHSEC}"] }',
  },
  HK1093: {
    title: "A secret that has run out",
    message: "this secret is not accepted since {until}",
    help: "Its rotation has ended, so requests signed with it are refused. Take it out of `secrets:`, or give it a later `until:`.",
  },
  HK1094: {
    title: "Params the recipe does not know or does not get",
    message: "{problem}",
    help: "A recipe says under `params:` what it needs besides secrets, such as the URL that was registered with the sender.",
  },
  HK1095: {
    title: "Held longer than bodies are kept",
    message: "the hold window is not shorter than `retention.bodies`",
    help: "A held event is tried again from its stored body, so it must not outlive it.",
  },
} as const satisfies ErrorEntries;
