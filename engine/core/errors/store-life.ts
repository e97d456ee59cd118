import type { ErrorEntries } from "../errors.ts";

/** 402x to 404x: the store's life: upgrades, backups, erasure, the disk below it. */
export const storeLifeErrors = {
  HK4020: {
    title: "The store is older than this Hookrail",
    message: "{path} has schema {found}; this Hookrail reads {known}",
    help: "Commands that only read change nothing, so they do not bring the store up to date. Start the engine once (`hookrail run`): it does, before it takes the first hook.",
  },
} as const satisfies ErrorEntries;
