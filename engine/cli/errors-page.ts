/** The page of all error codes, made from the catalogue. */
import { type ErrorEntry, errorCatalogue } from "../core/errors.ts";

const RANGES: Readonly<Record<string, string>> = {
  HK1: "Config",
  HK2: "Mapping",
  HK3: "Intake",
  HK4: "Store",
  HK5: "Delivery",
  HK6: "Ordering",
  HK7: "Contracts",
  HK8: "Command line and admin",
  HK9: "Faults of Hookrail's own",
};

/** Markdown: one section for each range, one heading for each code. */
export function errorsMarkdown(): string {
  const entries = Object.entries<ErrorEntry>(errorCatalogue).sort(([a], [b]) => (a < b ? -1 : 1));
  const sections = Object.entries(RANGES).flatMap(([prefix, title]) => {
    const own = entries.filter(([code]) => code.startsWith(prefix));
    return own.length === 0 ? [] : [`## ${prefix}xxx: ${title}`, ...own.map(([code, entry]) => page(code, entry))];
  });
  const head =
    "# Error codes\n\nMade by `npm run gen` from the catalogue; `hookrail explain HK1234` prints the same. Codes are never reused.";
  return `${[head, ...sections].join("\n\n")}\n`;
}

function page(code: string, { title, message, help, wrong, right }: ErrorEntry): string {
  const parts = [`### ${code}: ${title}`, `\`${message.replaceAll("`", "'")}\``, help];
  if (wrong !== undefined) parts.push(`Wrong:\n\n\`\`\`text\n${wrong.trimEnd()}\n\`\`\``);
  if (right !== undefined) parts.push(`Right:\n\n\`\`\`text\n${right.trimEnd()}\n\`\`\``);
  return parts.join("\n\n");
}
