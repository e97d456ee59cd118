/** How text goes into HTML, Markdown and CSV without becoming markup, a formula or a second cell. */

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text of an element, or of an attribute in quotes. */
export const html = (text: string): string =>
  text.replace(CONTROL, "\ufffd").replace(/[&<>"']/g, (c) => ENTITIES[c] as string);

/** Plain text inside Markdown. */
export const markdown = (text: string): string =>
  text
    .replace(CONTROL, "\ufffd")
    .replace(/[\\*_[\]`|#]/g, "\\$&")
    .replaceAll("<", "&lt;")
    .replace(/\s+/g, " ");

/** A text as it is written, in backticks, for a table cell too. */
export function codeSpan(text: string): string {
  const shown = text.replace(CONTROL, "\ufffd").replace(/\s+/g, " ").replaceAll("|", "\\|").trim();
  if (shown === "") return "";
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `\`${shown}\`` : `${fence} ${shown} ${fence}`;
}

/**
 * One CSV cell, always in quotes. A spreadsheet would run what begins with one of these as a formula: an apostrophe before
 * it makes it text.
 */
export function csvCell(text: string): string {
  const safe = /^[\s]*[=+\-@\uff1d\uff0b\uff0d\uff20|]/.test(text) || /^[\t\r\n]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export const csv = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
