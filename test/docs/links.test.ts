import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { packageRoot } from "../../engine/core/paths.ts";
import { anchorOf, proseOf, readPages } from "./support.ts";

const pages = readPages();

interface Link {
  readonly page: string;
  readonly target: string;
}

const links: readonly Link[] = pages.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ page: page.path, target })),
);

function anchorsOf(path: string): readonly string[] {
  const headings = proseOf({ path, text: readFileSync(path, "utf8") }).matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, heading = ""]) => anchorOf(heading));
}

/** Why a relative link leads nowhere; undefined when it does. */
function brokenBy({ page, target }: Link): string | undefined {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(packageRoot, page) : join(packageRoot, dirname(page), path);
  if (relative(packageRoot, file).startsWith("..")) return "leaves the checkout";
  if (!existsSync(file)) return "is not there";
  if (anchor === undefined) return undefined;
  if (statSync(file).isDirectory()) return "is a folder without headings";
  return anchorsOf(file).includes(anchor) ? undefined : "has no such heading";
}

describe("links of the documentation", () => {
  it("lead somewhere", () => {
    const inside = links.filter(({ target }) => !/^[a-z]+:/.test(target));
    expect(inside.length).toBeGreaterThan(50);
    const broken = inside.flatMap((link) => {
      const why = brokenBy(link);
      return why === undefined ? [] : [`${link.page}: ${link.target} ${why}`];
    });
    expect(broken).toEqual([]);
  });

  it("reach every page from docs/README.md, or from the first page of a folder that it leads to", () => {
    const first = new Set([
      "docs/README.md",
      "docs/examples/README.md",
      "docs/installation/README.md",
      "docs/providers/README.md",
    ]);
    const reached = new Set(
      links.filter(({ page }) => first.has(page)).map(({ page, target }) => join(dirname(page), target)),
    );
    const lost = pages
      .map(({ path }) => path)
      .filter((path) => path.startsWith("docs/") && path !== "docs/README.md" && !path.startsWith("docs/adr/"))
      .filter((path) => !reached.has(path));
    expect(lost).toEqual([]);
  });
});

describe("decisions", () => {
  it("are numbered once each, and their headings say the number", () => {
    const decisions = pages.filter(({ path }) => path.startsWith("docs/adr/"));
    const numbers = decisions.map(({ path }) => Number(/(\d{4})-/.exec(path)?.[1]));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(
      decisions.filter(({ text }, index) => !text.startsWith(`# ${numbers[index]}. `)).map((one) => one.path),
    ).toEqual([]);
  });
});
