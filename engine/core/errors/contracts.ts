import type { ErrorEntries } from "../errors.ts";

/** 7xxx: contracts. */
export const contractErrors = {
  HK7001: {
    title: "A contract's schema does not compile",
    message: "the schema for `{type}` does not compile: {problem}",
    help: "Contracts are JSON Schema, draft-07 or 2020-12 as `$schema` says (2020-12 when it says nothing).",
  },
  HK7002: {
    title: "A payload breaks its contract where the rule reads",
    message: "contract {contract}: {violations}",
    help: "The payload breaks the contract on a path that this rule reads, so what would be written can not be trusted. Violations elsewhere are only counted as drift.",
  },
} as const satisfies ErrorEntries;
