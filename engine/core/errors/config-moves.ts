import type { ErrorEntries } from "../errors.ts";

/** 1100-1105: `moved:` and `drop:`. */
export const configMovesErrors = {
  HK1100: {
    title: "A moved name that is still there",
    message: "{kind} `{from}` has moved to `{to}`, and is still declared",
    help: "`moved:` says that what is stored under the old name belongs to the new one. A name that is declared keeps its own rows: they would be taken from it with every change of the config.",
    wrong: "connections: { crm: …, crm-eu: … }\nmoved:\n  connections: { crm: crm-eu }",
    right: "connections: { crm-eu: … }\nmoved:\n  connections: { crm: crm-eu }",
  },
  HK1101: {
    title: "Moved to a name that is not there",
    message: "{kind} `{from}` has moved to `{to}`, which is not declared",
    help: "Live rows would follow to a name that nothing reads. Declare the new name, or end the rows of the old one with `drop:`.",
    wrong: "moved:\n  entities: { customer: clint }",
    right: "moved:\n  entities: { customer: client }",
  },
  HK1102: {
    title: "Two moves that contradict each other",
    message: "{kind} `{from}` moves to `{to}`, and `{other}` to `{otherTo}`",
    help: "An old name has one new name, and two old ones can not become one: which of their rows would win is not said. Only states may fall together.",
    wrong: "moved:\n  sources: { stripe-a: stripe, stripe-b: stripe }",
    right: "moved:\n  sources: { stripe-a: stripe }\ndrop:\n  sources: [stripe-b]",
  },
  HK1103: {
    title: "A dropped name that is still there",
    message: "{kind} `{name}` is dropped, and is still declared",
    help: "`drop:` says that what is stored under a name that the config has no more is to end. Take the declaration out, or the name out of `drop:`.",
    wrong: "connections: { crm: … }\ndrop:\n  connections: [crm]",
    right: "connections: {}\ndrop:\n  connections: [crm]",
  },
  HK1104: {
    title: "Moved to another entity",
    message: "{kind} `{from}` can not move to `{to}`: that is another entity",
    help: "Attributes and states move within their entity; which row of another entity a value would belong to is not known. When the entity itself has a new name, say so under `entities:` too.",
    wrong: "moved:\n  attributes: { subscription.tier: customer.tier }",
    right: "moved:\n  attributes: { subscription.tier: subscription.plan }",
  },
  HK1105: {
    title: "Moved and dropped",
    message: "{kind} `{name}` is moved and dropped",
    help: "Its rows can follow to the new name or end, not both. Take one of the two rows out.",
    wrong: "moved:\n  pipelines: { old: new }\ndrop:\n  pipelines: [old]",
    right: "moved:\n  pipelines: { old: new }",
  },
} as const satisfies ErrorEntries;
