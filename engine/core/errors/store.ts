import type { ErrorEntries } from "../errors.ts";

/** 4xxx */
export const storeErrors = {} as const satisfies ErrorEntries;
