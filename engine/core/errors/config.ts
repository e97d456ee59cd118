import type { ErrorEntries } from "../errors.ts";

/** 1xxx */
export const configErrors = {} as const satisfies ErrorEntries;
