import type { ErrorEntries } from "../errors.ts";

/** 8xxx */
export const cliErrors = {} as const satisfies ErrorEntries;
