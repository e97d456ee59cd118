/** Regular expressions in response rules: checked before they are used, since a throw while sending means "unknown". */
import type { ResponseRule } from "./answers.schema.ts";

/** A pattern that does not compile. */
export interface BadPattern {
  readonly path: readonly (string | number)[];
  readonly pattern: string;
}

/** The patterns of these rules that are no regular expressions. */
export function badPatterns(rules: readonly ResponseRule[]): readonly BadPattern[] {
  return rules.flatMap((rule, index) =>
    (["body", "header"] as const).flatMap((part) => {
      const pattern = rule[part]?.matches;
      return pattern === undefined || compiles(pattern) ? [] : [{ path: [index, part, "matches"], pattern }];
    }),
  );
}

/** Whether it is a regular expression. */
export function compiles(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}
