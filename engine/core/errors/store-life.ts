import type { ErrorEntries } from "../errors.ts";

/** 402x to 404x: the store's life: upgrades, backups, erasure, the disk below it. */
export const storeLifeErrors = {
  HK4020: {
    title: "The store is older than this Hookrail",
    message: "{path} has schema {found}; this Hookrail reads {known}",
    help: "Commands that only read change nothing, so they do not bring the store up to date. Start the engine once (`hookrail run`): it does, before it takes the first hook.",
  },
  HK4021: {
    title: "The store lies on a network disk",
    message: "{path} lies on {kind}, where a commit can not be relied on",
    help: "SQLite's locks, shared memory and syncs do not hold over a network or through a user-space file system: two hosts could write one file, and a 2xx could be lost. Put the store on a local disk. If you know that this one is local and honest, `hookrail run --any-disk` goes on.",
    wrong: "store: sqlite:/mnt/nfs/hookrail.db",
    right: "store: sqlite:/var/lib/hookrail/hookrail.db",
  },
  HK4022: {
    title: "A restore was cut off",
    message: "a restore of {path} did not come to its end",
    help: "The engine does not start on half of it. Run `hookrail restore FILE --force` again; it takes up where it was. The old store, if there was one, lies beside it under its name with `.before-…`.",
  },
  HK4023: {
    title: "Part of the store is missing",
    message: "the last engine did not close {path}, and {path}-wal is gone",
    help: "After a crash the last commits are in the -wal file beside the store. It has been deleted, or the store was copied without it: what was answered with 2xx last would be lost silently. Put the -wal back, or restore a backup made with `hookrail backup`. If another program has opened and closed the file since, nothing is missing; `hookrail run --without-wal` starts in any case.",
  },
  HK4024: {
    title: "The backup could not be made",
    message: "the backup {target} could not be made: {reason}",
    help: "Nothing was left at that place, and the store is as it was. Check that the folder exists, that this user may write there, and that there is room for a copy of the store.",
  },
  HK4025: {
    title: "A row of the store is damaged",
    message: "a row of the store does not hold what was written into it",
    help: "The page is sound as a page, so the check at the start did not see it, but a value in it has been changed: by the disk, or by another program. Keep the file, restore the last backup (`hookrail restore`), and check the disk.",
  },
  HK4026: {
    title: "The store can't be written",
    message:
      "the store {path} can only be read: its file system is mounted read-only, or the file's permissions say so",
    help: "Linux turns a file system read-only by itself after an error of the disk: look into `dmesg`, unmount it, repair it (`fsck`), mount it again, and start the engine. Nothing was changed; what was answered with 2xx is there. If the mount is fine, let this user write the file and its folder.",
  },
  HK4027: {
    title: "The store was read for too long",
    message: "the command has read one instant of the store for more than {minutes} minutes and was ended",
    help: "While a command reads one instant, nothing empties the `-wal` of the running engine, which grows by all that comes in. Take fewer events at a time (`hookrail plan --last 200`), or run the command on a backup. Nothing was changed.",
  },
} as const satisfies ErrorEntries;
