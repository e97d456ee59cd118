import type { ErrorEntries } from "../errors.ts";

/** 1220 to 1229, 2030 to 2039 and 5350 to 5359: thin events and what a rule fetches for them. */
export const fetchErrors = {
  HK1220: {
    title: "A connection that nothing can be read from",
    message: "`{connection}` can not be read from: {problem}",
    help: "`fetch:` makes a GET over a connection of a sink that speaks HTTP (`http` or a preset over it), with credentials that can stand in a header or in the URL.",
    wrong: "fetch: { connection: local-file, path: /pages/{id} }",
    right: "fetch: { connection: notion, path: /v1/pages/{id} }",
  },
  HK1221: {
    title: "A path that can not be fetched",
    message: "`path` of `fetch`: {problem}",
    help: "The path begins with `/` and is put behind the connection's host, so that a payload never chooses the host. Parts of the payload stand in braces, and each is percent-encoded as one segment.",
    wrong: 'path: "{related_object.url}"',
    right: 'path: "/v2/core/accounts/{related_object.id}"',
  },
  HK1222: {
    title: "An order that what is fetched does not have",
    message: "`order: {order}` can not go with `fetch`",
    help: "An object that was fetched is as new as its GET, whatever the time of the event that told of it: a late event may bring the newer object. Leave `order:` out, and the later GET wins, or name the object's own version with `by:`.",
    wrong: "order: version",
    right: "order: { by: $fetched.last_edited_time }",
  },
  HK1223: {
    title: "A name that is taken",
    message: "`as: {name}` of `fetch`: {problem}",
    help: "What is fetched is read as `$NAME`. A name of `let:`, `$event` and `$item` are taken, and a name is made of letters, digits and `_`.",
    wrong: "fetch: { connection: notion, path: /v1/pages/{id}, as: event }",
    right: "fetch: { connection: notion, path: /v1/pages/{id}, as: page }",
  },
  HK1224: {
    title: "No schema for what is fetched",
    message: "the contract {contract} has no schema for `{type}`",
    help: "`contract:` of a `fetch` names the schema, in the pipeline's contract, that the fetched object is held to.",
    wrong: "fetch: { connection: notion, path: /v1/pages/{id}, contract: pages }",
    right: "fetch: { connection: notion, path: /v1/pages/{id}, contract: page }",
  },
  HK1225: {
    title: "A header that is not the rule's to set",
    message: "`{header}` can not be set by `fetch`",
    help: "Credentials, the host and what frames a request belong to the connection. A rule may add what the payload knows, such as a tenant id.",
    wrong: 'headers: { authorization: "Bearer {token}" }',
    right: 'headers: { xero-tenant-id: "{tenantId}" }',
  },
  HK2030: {
    title: "A GET that can not be asked for",
    message: "rule {rule} can not say what to fetch: {missing}",
    help: "A part of the path or of a header is absent, null or empty in the event, so nothing was fetched and nothing was written. Take the part from a path that every event of the type has, or leave such events out with `when:`.",
  },
  HK2031: {
    title: "A part that can not stand in a path",
    message: "rule {rule}: `{part}` of the `fetch` path is {problem}",
    help: "A part is one segment of the path. A segment of dots would climb to another path, and a list or an object is no segment.",
  },
  HK5350: {
    title: "What is to be fetched was refused",
    message: "{connection}: GET {path}: {detail}",
    help: "The API gave an answer that trying again does not change. Look at the path in the rule's `fetch:` and at what the credentials may read, then retry the dead letter: it fetches anew.",
  },
  HK5351: {
    title: "What is to be fetched is not there",
    message: "{connection}: GET {path}: {detail}",
    help: "The API says 404 or 410: the object was deleted since, or these credentials do not see it. Where that is ordinary, say `not_found: skip` in the rule's `fetch:`. A retry of the dead letter fetches anew.",
  },
  HK5352: {
    title: "Given up fetching",
    message: "{connection}: GET {path}: given up after {attempts} attempts: {detail}",
    help: "It was tried with growing pauses until the retry horizon of the connection ended. Once the API answers again, `hookrail dead retry` fetches anew.",
  },
  HK5353: {
    title: "An object too large to be fetched",
    message: "{connection}: GET {path}: the answer has more than {limit} bytes, or broke off",
    help: "Of an answer that is cut short nothing is used, since what is missing would look like an absent field. Ask for less: many APIs have a query such as `?fields=`.",
  },
  HK5354: {
    title: "An answer that is no JSON",
    message: "{connection}: GET {path}: {problem}",
    help: "What is fetched has to be JSON in UTF-8. Many APIs send it for `accept: application/json`, which is asked for, or for a suffix such as `.json`.",
  },
  HK5355: {
    title: "A connection that can not be asked",
    message: "{connection}: its sink makes no GET",
    help: "The connection is declared with a sink that only takes deliveries. `hookrail check` names the rule.",
  },
  HK5356: {
    title: "A test that does not say what is fetched",
    message: "{connection}: no answer to GET {path} is declared",
    help: "In tests nothing goes over the network. `fetched:` of the test says what each path gives.",
    right: 'fetched: { notion: { "/v1/pages/p1": { id: p1, archived: false } } }',
  },
} as const satisfies ErrorEntries;
