import type { ErrorEntries } from "../errors.ts";

/** 6xxx */
export const orderingErrors = {} as const satisfies ErrorEntries;
