/** Small words that the providers' pages share. */
import { formatDuration } from "../../core/duration.ts";

/** A text as it is written, in backticks. */
export const code = (text: string) => {
  const shown = text.replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return shown.includes("`") ? `\`\` ${shown} \`\`` : `\`${shown}\``;
};

/** Each as written: `a`, `b` or `c`. */
export function codes(texts: readonly string[], last: "and" | "or" = "and"): string {
  const all = texts.map(code);
  const end = all.at(-1) ?? "";
  return all.length < 2 ? end : `${all.slice(0, -1).join(", ")} ${last} ${end}`;
}

/** One or many, as a list. */
export const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : ([value].flat() as readonly T[]);

/** One table cell: no bars, no line breaks. */
export const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** A remark of a recipe as a sentence; its `<hex>` is no HTML. */
export function sentence(text: string): string {
  const plain = text.replaceAll("<", "&lt;").replaceAll("*", "\\*");
  const first = /^[a-z]+(?=[ ,:;])/.test(plain) ? plain.charAt(0).toUpperCase() + plain.slice(1) : plain;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

/** `- one` a line; none is nothing. */
export const bullets = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join("\n");

export const duration = (ms: number) => formatDuration(ms);

/** A section with its heading; nothing when it has nothing to say. */
export const section = (title: string, text: string) => (text === "" ? "" : `\n## ${title}\n\n${text}\n`);
