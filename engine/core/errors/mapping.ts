import type { ErrorEntries } from "../errors.ts";

/** 2xxx */
export const mappingErrors = {} as const satisfies ErrorEntries;
