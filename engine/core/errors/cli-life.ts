import type { ErrorEntries } from "../errors.ts";

/** 805x to 807x: seeds, backups, erasure. */
export const cliLifeErrors = {
  HK8050: {
    title: "No such entity",
    message: "the config declares no entity `{entity}`",
    help: "Entities are the names under `entities:` of config.yaml.",
  },
  HK8051: {
    title: "A seed row that does not fit",
    message: "{place}: {problem}",
    help: "Every value must fit what `entities:` declares: the type, the range, one of the enum, one of the states. Times are ISO 8601 with their zone, lists and objects are JSON, an empty cell is absent. The value itself is not shown, since it may be personal.",
  },
  HK8052: {
    title: "Rows that do not fit: nothing was loaded",
    message: "{bad} of {rows} rows of {from} do not fit; nothing was loaded",
    help: "A seed that is loaded in part would let the customers of the other part get what fires once. Mend the rows named above, or leave them out knowingly with `--skip-bad`.",
  },
  HK8053: {
    title: "A seed that can not be read",
    message: "{from}: {problem}",
    help: "A CSV file has a line of column names, UTF-8 text and one row for each entity. A query is one SELECT over a connection with `sink: sql`; it is run in a way that can not write.",
  },
  HK8054: {
    title: "Nothing to seed from",
    message: "the config names no seed{what}",
    help: "Say under `seed:` of config.yaml where it is found, or give a file: `hookrail seed ENTITY FILE --key COLUMN`.",
    right: "seed:\n  customer: { file: ./seed/customers.csv, key: id, columns: { plan: tier } }",
  },
  HK8055: {
    title: "A column that is not there",
    message: "{from} has no column `{column}`; it has {found}",
    help: "`key` and `columns` (`--key`, `--map`) name columns of the file's first line, or of the query's result.",
  },
  HK8056: {
    title: "The backup file is there already",
    message: "{file} is already there",
    help: "A backup never writes over a file by itself, least of all over the store. Give another name, or `--force`.",
  },
  HK8057: {
    title: "No backup there",
    message: "there is no file {file}",
    help: "`restore` takes one file that `hookrail backup` made.",
  },
  HK8058: {
    title: "An engine is running",
    message: "an engine runs on {path}: stop it first",
    help: "A store can not be replaced under a running engine. Stop it, restore, and start it again; senders try again meanwhile.",
  },
  HK8059: {
    title: "There is a store already",
    message: "there is a store at {path}",
    help: "With `--force` the backup takes its place, and the store that is there is kept beside it. What was acknowledged after the backup is only in that one.",
  },
  HK8060: {
    title: "Nothing is known of this entity",
    message: "nothing is stored about this {entity}",
    help: "Give `ENTITY:ID`, where the id is the entity's key or one of its other ids, exactly as it is stored. Nothing is stored of what was erased already; `--lift` is about those, by their key.",
  },
  HK8061: {
    title: "Deliveries about the entity do not end",
    message: "deliveries about this entity are still on their way; nothing was erased",
    help: "What is being sent at this moment can not be taken back. Pause the connection (`hookrail pause connection NAME`), wait for the attempt to end, and erase again.",
  },
  HK8062: {
    title: "An erasure needs to be confirmed",
    message: "nothing was erased: {what}",
    help: "What is erased can not be had back. Look with `--dry-run`, then say `--yes`.",
  },
  HK8090: {
    title: "No such learned secret",
    message: "`{secret}` names {found} secrets of source {source}; expected one",
    help: "`hookrail secrets list` shows what providers told us in handshakes, each with a fingerprint. Give it, or at least its first four characters.",
  },
} as const satisfies ErrorEntries;
