/** Collects the faults of one recipe, so that all are shown at once. */

import { type Parsed, parseDuration } from "../core/duration.ts";
import type { ErrorCode } from "../core/errors.ts";

/** One fault of a recipe; config/ turns the path into file, line and column. */
export interface RecipeFault {
  readonly code: ErrorCode;
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly expected?: string;
}

/** A list of faults seen from one place of the recipe; `at` looks from further down and shares the list. */
export class Faults {
  readonly list: RecipeFault[];
  readonly #base: readonly (string | number)[];

  constructor(list: RecipeFault[] = [], base: readonly (string | number)[] = []) {
    this.list = list;
    this.#base = base;
  }

  at(...path: (string | number)[]): Faults {
    return new Faults(this.list, [...this.#base, ...path]);
  }

  add(path: readonly (string | number)[], code: ErrorCode, message: string, expected?: string): void {
    const fault = { code, path: [...this.#base, ...path], message };
    this.list.push(expected === undefined ? fault : { ...fault, expected });
  }

  /** The value, or undefined and a fault that says what was expected. */
  take<T>(path: readonly (string | number)[], text: string, parsed: Parsed<T>): T | undefined {
    if (parsed.ok) return parsed.value;
    this.add(path, "HK3001", `\`${text}\` can't be read`, parsed.expected);
    return undefined;
  }

  duration(path: readonly (string | number)[], text: string): number | undefined {
    return this.take(path, text, parseDuration(text));
  }
}
