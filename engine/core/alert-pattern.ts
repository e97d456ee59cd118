/** Patterns that say which alerts are meant: `pipeline=paid-* severity=alert`. For silences, windows and the command line. */

/** What an alert is about, as patterns see it. */
export interface PatternSubject {
  readonly pipeline: readonly string[];
  readonly connection: readonly string[];
  readonly source: readonly string[];
  readonly team: readonly string[];
  readonly kind: readonly string[];
  readonly severity: readonly string[];
}

export type AlertPattern = (subject: PatternSubject) => boolean;

const KEYS = ["pipeline", "connection", "source", "team", "kind", "severity"] as const;
const WORD = /^(?:([a-z]+)=)?([a-zA-Z0-9._*-]+)$/;

/** The pattern of a text; undefined where it can not be read. */
export function parseAlertPattern(text: string): AlertPattern | undefined {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const parts = words.map(parseWord);
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  return (subject) => parts.every((part) => part?.(subject));
}

function parseWord(word: string): AlertPattern | undefined {
  const [, key, value = ""] = WORD.exec(word) ?? [];
  if (value === "") return undefined;
  const glob = new RegExp(`^${value.replace(/[.]/g, "\\.").replace(/\*+/g, ".*")}$`);
  const any = (names: readonly string[]) => names.some((name) => glob.test(name));
  if (key === undefined) return (subject) => value === "*" || KEYS.some((one) => any(subject[one]));
  const known = KEYS.find((one) => one === key);
  return known === undefined ? undefined : (subject) => any(subject[known]);
}
