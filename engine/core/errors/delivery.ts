import type { ErrorEntries } from "../errors.ts";

/** 5xxx */
export const deliveryErrors = {} as const satisfies ErrorEntries;
