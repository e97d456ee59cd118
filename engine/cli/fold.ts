/** Text for a terminal's width: folded at spaces, colours not counted. */
import type { Output } from "./context.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
const COLOUR = /\u001b\[[0-9;]*m/g;

export const widthOf = (text: string): number => text.replace(COLOUR, "").length;

/** Lines of at most `width` characters, where words allow it; all but the first begin `indent` spaces in. */
export function fold(text: string, { width, indent }: { readonly width: number; readonly indent: number }): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

const INDENT = 14;

/** `  name        text`, folded under itself. */
export function namedLine({ color, columns }: Output, name: string, text: string): string {
  const width = Math.max(40, columns) - INDENT;
  return `  ${color.dim(name.padEnd(INDENT - 3))} ${fold(text, { width, indent: INDENT })}`;
}
