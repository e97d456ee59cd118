import type { ErrorEntries } from "../errors.ts";

/** 7xxx */
export const contractErrors = {} as const satisfies ErrorEntries;
