import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type ErrorEntry, errorCatalogue } from "../../engine/core/errors.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { runCommand } from "../support/cli.ts";
import { blocksOf, proseOf, readPages } from "./support.ts";

/** A command as a page shows it: the words behind `hookrail`. */
interface Shown {
  readonly where: string;
  readonly words: readonly string[];
}

/** In prose a command stands in backticks; in a block of shell it starts a line, perhaps after `npx` or `&&`. */
function commandsOf(where: string, text: string, pattern: RegExp): readonly Shown[] {
  return [...text.matchAll(pattern)].map(([, rest = ""]) => ({ where, words: rest.trim().split(/\s+/) }));
}

const IN_SHELL = /^(?:.*&& )?(?:npx |dist\/)?hookrail (.+)$/gm;
const IN_PROSE = /`(?:npx )?hookrail ([^`]+)`/g;

const pages = readPages();
const shown: readonly Shown[] = pages.flatMap((page) => [
  ...commandsOf(page.path, proseOf(page), IN_PROSE),
  ...blocksOf(page)
    .filter((block) => block.language === "sh")
    .flatMap((block) => commandsOf(`${page.path}:${block.line}`, block.text, IN_SHELL)),
]);

async function helpOf(words: readonly string[]): Promise<string | undefined> {
  const { code, stdout } = await runCommand(packageRoot, [...words, "--help"]);
  return code === 0 ? stdout : undefined;
}

const cache = new Map<string, Promise<string | undefined>>();
function help(words: readonly string[]): Promise<string | undefined> {
  const key = words.join(" ");
  const known = cache.get(key) ?? helpOf(words);
  cache.set(key, known);
  return known;
}

const verbsIn = (text: string) => [...text.matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, verb = ""]) => verb);
const optionsIn = (text: string) => new Set(text.match(/(?<![\w-])--?[a-z][a-z-]*/g) ?? []);

/** What of a command is not there; undefined when all of it is. */
async function unknownPart(words: readonly string[]): Promise<string | undefined> {
  const globals = (await help([])) ?? "";
  const rest = words[0] === "-c" || words[0] === "--config" ? words.slice(2) : words;
  const [verb = "", second = ""] = rest;
  if (verb.startsWith("-")) return optionsIn(globals).has(verb) ? undefined : verb;
  if (!verbsIn(globals).includes(verb)) return verb;
  const own = (await help([verb])) ?? "";
  // A verb that has subcommands may have options of its own.
  const hasSubs = /^Commands:/m.test(own) && !second.startsWith("-");
  if (hasSubs && second !== "" && !verbsIn(own).includes(second)) return `${verb} ${second}`;
  const options = optionsIn(hasSubs && second !== "" ? ((await help([verb, second])) ?? "") : own);
  return rest.slice(1).find((word) => /^--?[a-z]/.test(word) && !options.has(word));
}

async function unknownIn(all: readonly Shown[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { where, words } of all) {
    const part = await unknownPart(words);
    if (part !== undefined) found.push(`${where}: \`hookrail ${words.join(" ")}\`: ${part} is not there`);
  }
  return found;
}

describe("commands of the documentation", () => {
  it("exist, with the options they are shown with", async () => {
    expect(shown.length).toBeGreaterThan(40);
    expect(await unknownIn(shown)).toEqual([]);
  });

  it("are told apart from ones that do not exist", async () => {
    expect(await unknownPart(["events", "--sincee", "1h"])).toBe("--sincee");
    expect(await unknownPart(["dead", "bury"])).toBe("dead bury");
    expect(await unknownPart(["fly"])).toBe("fly");
  });

  it("cover every verb of the program", async () => {
    const told = new Set(shown.map(({ words }) => words[0]));
    const verbs = verbsIn((await help([])) ?? "").filter((verb) => verb !== "help");
    const text = pages.map((page) => page.text).join("\n");
    expect(verbs.filter((verb) => !told.has(verb) && !text.includes(`\`${verb}\``))).toEqual([]);
  });

  it("that error pages advise exist too", async () => {
    const entries = Object.entries<ErrorEntry>(errorCatalogue);
    const advised = entries.flatMap(([code, entry]) => commandsOf(code, `${entry.message} ${entry.help}`, IN_PROSE));
    expect(await unknownIn(advised)).toEqual([]);
  });

  it("of npm are scripts of package.json", () => {
    const { scripts } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const used = pages.flatMap((page) => [...page.text.matchAll(/\bnpm run ([a-z:]+)/g)].map(([, name = ""]) => name));
    expect([...new Set(used)].filter((name) => !(name in scripts))).toEqual([]);
  });
});
