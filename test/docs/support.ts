/** Reads the documentation: pages, their fenced blocks, their links and the commands they show. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../engine/core/paths.ts";

export interface Page {
  /** Relative to the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

export interface Block {
  readonly page: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What stands behind the language, e.g. `pipeline` or `wrong:fields HK1030`. */
  readonly tag: string;
  readonly text: string;
}

/** All hand-written pages; the generated ones (`npm run gen`) are guarded by their own test. */
export function readPages(): readonly Page[] {
  const top = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
  const docs = readdirSync(join(packageRoot, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.startsWith("reference") && name !== "errors.md")
    .map((name) => `docs/${name}`);
  return [...top, ...docs.sort()].map((path) => ({ path, text: readFileSync(join(packageRoot, path), "utf8") }));
}

/** The fenced blocks of a page. An opened fence that is not closed runs to the end, and shows as a broken block. */
export function blocksOf(page: Page): readonly Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; lines: string[] } | undefined;
  for (const [index, line] of page.text.split("\n").entries()) {
    if (!line.startsWith("```")) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 1, info: line.slice(3).trim(), lines: [] };
    else {
      const [language = "", ...tag] = open.info.split(" ");
      blocks.push({
        page: page.path,
        line: open.line,
        language,
        tag: tag.join(" "),
        text: `${open.lines.join("\n")}\n`,
      });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${page.path}:${open.line}: the block is not closed`);
  return blocks;
}

/** The page without its blocks. */
export function proseOf(page: Page): string {
  let inside = false;
  const lines = page.text.split("\n").map((line) => {
    const fence = line.startsWith("```");
    if (fence) inside = !inside;
    return fence || inside ? "" : line;
  });
  return lines.join("\n");
}

/** How GitHub names the anchor of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .replace(/[`*]/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
