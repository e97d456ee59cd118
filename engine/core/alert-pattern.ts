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
/** What people write is far shorter. */
const MAX_LENGTH = 500;
const WORD = /^(?:([a-z]+)=)?([a-zA-Z0-9._*-]+)$/;

/** The pattern of a text; undefined where it can not be read. */
export function parseAlertPattern(text: string): AlertPattern | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const words = text.split(/\s+/).filter((word) => word !== "");
  const parts = words.map(parseWord);
  if (parts.length === 0 || parts.includes(undefined)) return undefined;
  return (subject) => parts.every((part) => part?.(subject));
}

function parseWord(word: string): AlertPattern | undefined {
  const [, key, value = ""] = WORD.exec(word) ?? [];
  if (value === "") return undefined;
  const any = (names: readonly string[]) => names.some((name) => fits(value, name));
  if (key === undefined) return (subject) => value === "*" || KEYS.some((one) => any(subject[one]));
  const known = KEYS.find((one) => one === key);
  return known === undefined ? undefined : (subject) => any(subject[known]);
}

/** `*` stands for anything. Each part is looked for once, behind the one before it: no pattern makes it slow. */
function fits(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  const first = parts.shift() ?? "";
  const last = parts.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
