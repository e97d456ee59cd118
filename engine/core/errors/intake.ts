import type { ErrorEntries } from "../errors.ts";

/** 3xxx */
export const intakeErrors = {} as const satisfies ErrorEntries;
