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
  HK7003: {
    title: "An event of a version without a contract",
    message: "the event {shown}; there are contracts for {known}",
    help: "The pipeline says `unknown_version: reject`: what no contract of the provider describes is not mapped. Write a contract for the new version (a copy of the last one is a start), see with `hookrail plan` what the rules make of its events, then `hookrail dead retry`.",
  },
} as const satisfies ErrorEntries;
