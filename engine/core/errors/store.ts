import type { ErrorEntries } from "../errors.ts";

/** 4xxx: the store. */
export const storeErrors = {
  HK4001: {
    title: "SQLite is too old",
    message: "SQLite {found} can corrupt a store in WAL mode; {needed} or newer is needed",
    help: "SQLite 3.7.0 to 3.51.2 can corrupt a file when two connections write and checkpoint at the same instant. Install the dependencies again (`npm ci`): the pinned better-sqlite3 brings a sound one.",
  },
  HK4002: {
    title: "Commits would not be durable",
    message: "expected {setting} = {expected} on the store's connection, got {found}",
    help: "An event may be acknowledged only after it is safe on disk. SQLite did not take this setting, so the engine does not start. A file system without shared memory (some network mounts) is a common cause: put the store on a local disk.",
  },
  HK4003: {
    title: "Not a Hookrail store",
    message: "{path} is not a Hookrail store",
    help: "The file exists and is something else; it was not touched. Check `store:` in config.yaml, or move the file away.",
    wrong: "store: sqlite:./data/crm.db      # the table a sink writes",
    right: "store: sqlite:./data/hookrail.db",
  },
  HK4004: {
    title: "The store is damaged",
    message: "{path} is damaged: {finding}",
    help: "The check at start found a fault in the file, so nothing was changed. Keep the file and its -wal beside it, and restore the last backup. Check the disk.",
  },
  HK4005: {
    title: "No store there",
    message: "there is no store at {path}",
    help: "The engine makes the store when it first runs: `hookrail run`. If it has run before, check `store:` in config.yaml and the folder you are in.",
  },
  HK4006: {
    title: "The store is newer than this Hookrail",
    message: "{path} has schema {found}; this Hookrail knows up to {known}",
    help: "A newer version has opened this store. Run that version, or restore a backup from before it. Nothing was changed.",
  },
  HK4007: {
    title: "The store is in use",
    message: "{path} is held by another Hookrail (process {pid})",
    help: "One process at a time may write a store. Stop the other one, or give this one a store of its own. The lock ends with the process, even if it crashes. Commands that only read work beside a running engine.",
  },
  HK4008: {
    title: "The disk is full",
    message: "the store could not grow: the disk (or its size limit) is full",
    help: "Nothing that was answered with 2xx is lost, and senders will try again. Reads, `hookrail status` and what is under way go on: the engine has given up the file it keeps for this (`limits.disk_reserve`), and what `retention:` lets go is deleted at once. Free some space, or shorten `retention: { bodies: … }` and run `hookrail reload`; when there is room again, events are taken again by themselves.",
  },
  HK4009: {
    title: "The disk failed",
    message: "the store's disk failed ({code}); nothing more is written until the engine is started again",
    help: "After a failed write or sync nobody can say what is on the disk, so the engine stops accepting and exits. Check the disk and the mount, then start it again: what was answered with 2xx is there.",
  },
  HK4010: {
    title: "The store is closed",
    message: "the store is closed: {reason}",
    help: "Something was to be written after the store was closed or its writer had ended. Senders get 503 and try again.",
  },
  HK4011: {
    title: "The store is busy",
    message: "another connection held the store's write lock for more than {waitedMs} ms",
    help: "Something else writes to the file: a shell, a backup tool or a virus scanner. Only the engine may write it. For a backup use `hookrail backup`.",
  },
  HK4012: {
    title: "A write was refused",
    message: "the store refused {operation}: {reason}",
    help: "This one change was undone; the others of its group were kept. It is a fault in Hookrail: please report it with the line above.",
  },
  HK4013: {
    title: "A delivery can't move so",
    message: "delivery {delivery} can't go from {from} to {to}",
    help: "The delivery had already come to another end, for instance by an operator's hand. Nothing was changed.",
  },
  HK4014: {
    title: "No such delivery",
    message: "there is no delivery {delivery}",
    help: "The id is not in the store. It is a fault in Hookrail unless the store was replaced while the engine ran.",
  },
  HK4015: {
    title: "Work is already done",
    message: "work {work} of pipeline {pipeline} is already done",
    help: "The same event was processed twice at once; the second result was dropped, so nothing was applied twice. It is a fault in Hookrail: please report it.",
  },
  HK4016: {
    title: "A dead delivery needs a dead letter",
    message: "delivery {delivery} was settled as dead without a dead letter",
    help: "Every delivery that gives up must be visible to a person. It is a fault in Hookrail: please report it.",
  },
  HK4017: {
    title: "The store could not be brought up to date",
    message: "migration {migration} failed on {path}: {reason}",
    help: "The migration was undone as a whole and the file is as it was. Free some disk space if it was full; otherwise please report it.",
  },
  HK4018: {
    title: "The store can't be opened",
    message: "can't open the store {path}: {reason}",
    help: "Check that the folder exists and that this user may read and write it.",
  },
  HK4019: {
    title: "Too much is waiting to be written",
    message: "{waiting} writes are waiting for the disk",
    help: "Events come in faster than the disk can keep them. Senders get 503 and try again later; what was answered with 2xx is safe. A faster disk, or fewer other programs on it, helps.",
  },
} as const satisfies ErrorEntries;
