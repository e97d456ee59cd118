import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { createMemoryReader } from "../../engine/config/files.ts";
import { loadConfig } from "../../engine/config/load.ts";
import type { Loaded } from "../../engine/config/options.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { createLanguage } from "../../engine/config/schema/language.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { createRegistry, loadSinkFolder } from "../../engine/plugin/registry.ts";
import { runTest } from "../../engine/testing/runner.ts";
import { makeCertificate } from "../support/certificates.ts";
import { type Block, blocksOf, readPages } from "./support.ts";

// Each block stands in an installation: the shipped config.yaml, with what the page itself adds by `fragment:config`
// and its whole pipelines. Whole documents are loaded as they are; fragments are put into a frame as text, so that YAML sees what a reader sees.

const shipped = readFileSync(join(packageRoot, "config.yaml"), "utf8");
const hooks = makeCertificate({ name: "hooks.example.com" });
const contract = "pipelines/contracts/stripe/2025-10-15.yaml";
const frameFiles = {
  "sample.env": readFileSync(join(packageRoot, "sample.env"), "utf8"),
  "tls/hooks.crt": hooks.cert,
  "tls/hooks.key": hooks.key,
  "tls/clients.crt": hooks.cert,
  [contract]: readFileSync(join(packageRoot, contract), "utf8"),
};
const shownBlocks = readPages().flatMap(blocksOf);
const blocks = shownBlocks.filter((block) => block.language === "yaml");
const tables = shownBlocks.filter((block) => block.language === "csv");

type Mapping = { [key: string]: unknown };
const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function merge(into: unknown, from: unknown): unknown {
  if (!isMapping(into) || !isMapping(from)) return from;
  const keys = new Set([...Object.keys(into), ...Object.keys(from)]);
  return Object.fromEntries([...keys].map((key) => [key, key in from ? merge(into[key], from[key]) : into[key]]));
}

const withoutWriters: unknown = JSON.parse(JSON.stringify(parse(shipped)), (key, value: unknown) =>
  key === "writers" ? undefined : value,
);

/** The shipped config with the page's own additions. Its own pipelines are not there, so none of them is a writer. */
function configOf(page: string): string {
  const added = blocks.filter((block) => block.page === page && block.tag === "fragment:config");
  return stringify(added.reduce((config, block) => merge(config, parse(block.text)), withoutWriters));
}

function pipelinesOf(page: string): Readonly<Record<string, string>> {
  const whole = blocks.filter((block) => block.page === page && block.tag === "pipeline");
  return Object.fromEntries(whole.map((block) => [`pipelines/of-page-${block.line}.yaml`, block.text]));
}

/** Files that a page shows under their name, such as `csv tables/plans.csv`. */
function tablesOf(page: string): Readonly<Record<string, string>> {
  const shown = tables.filter((block) => block.page === page);
  return Object.fromEntries(shown.map((block) => [block.tag, block.text]));
}

const indent = (text: string, by: number) => text.replace(/^(?=.)/gm, " ".repeat(by));
const head = "pipeline: example\nowner: revenue-ops\nsource: stripe\n";
const anyRule = "rules:\n  - on: invoice.paid\n    write:\n      customer: { key: customer }\n";

/** Where each kind of fragment stands. */
const frames: Readonly<Record<string, (text: string) => string>> = {
  rules: (text) => `${head}rules:\n${indent(text, 2)}deliver:\n  - { to: local }\n`,
  fields: (text) =>
    `${head}rules:\n  - on: invoice.paid\n    let:\n      price: plan.id\n    lowers: [plan]\n    write:\n      subscription:\n        key: id\n        fields:\n${indent(text, 10)}`,
  deliver: (text) =>
    `${head}rules:\n  - on: invoice.paid\n    write:\n      subscription: { key: subscription, state: active }\n      customer: { key: customer }\ndeliver:\n${indent(text, 2)}`,
};

/** The files of the installation that a block makes with its page. */
function filesOf(block: Block): Readonly<Record<string, string>> {
  const [kind = ""] = block.tag.split(" ");
  const config = configOf(block.page);
  const name = /^(?:provider|sink): (\S+)/m.exec(block.text)?.[1] ?? "none";
  const base = { ...frameFiles, "config.yaml": config, ...tablesOf(block.page), ...pipelinesOf(block.page) };
  if (kind === "config.yaml") return { ...frameFiles, "config.yaml": block.text };
  if (kind === "fragment:config") return { ...base, "pipelines/example.yaml": `${head}${anyRule}` };
  if (kind === "pipeline") return base;
  if (kind === "provider") return { ...base, [`plugins/providers/${name}.yaml`]: block.text };
  if (kind === "contract") {
    const version = /^contract: (\S+)/m.exec(block.text)?.[1] ?? "none";
    const pipeline = `${head}contract: ${version}\n${anyRule}`;
    return { ...base, [`pipelines/contracts/stripe/${version}.yaml`]: block.text, "pipelines/example.yaml": pipeline };
  }
  if (kind === "sink") return { ...base, [`plugins/sinks/${name}.yaml`]: block.text };
  const frame = frames[kind.split(":")[1] ?? ""];
  if (frame === undefined) throw new Error(`${block.page}:${block.line}: unknown kind of block \`${block.tag}\``);
  return { ...base, "pipelines/example.yaml": frame(block.text) };
}

/** What a variable holds, by the end of its name; any is set, and what any other holds matters to nobody here. */
const HELD: readonly (readonly [string, string])[] = [
  ["_WEBHOOK_URL", "https://hooks.example.com/services/T0/B0/x"],
  ["_URL", "postgres://user@127.0.0.1/db"],
  ["_USER_PASSWORD", "hooks:sample"],
  ["_HEX", "5a".repeat(32)],
  [
    "_SPKI",
    generateKeyPairSync("ec", { namedCurve: "P-256" })
      .publicKey.export({ type: "spki", format: "der" })
      .toString("base64"),
  ],
  ["_BASE64", Buffer.alloc(32, 0x5a).toString("base64")],
  ["_HASH_KEY", "k".repeat(32)],
];
const env = new Proxy<Record<string, string>>(
  {},
  { get: (_target, name) => HELD.find(([end]) => String(name).endsWith(end))?.[1] ?? "whsec_c2FtcGxl" },
);
const evaluator = createEvaluator({});
afterAll(() => evaluator.close());

/** Each of the generated pages shows one source: they are checked together. */
const ofProvider = ({ page }: Block) => page.startsWith("docs/providers/");

let loadFiles: (files: Readonly<Record<string, string>>) => Loaded;
const load = (block: Block) => loadFiles(filesOf(block));
beforeAll(async () => {
  const registry = createRegistry(await loadSinkFolder(join(packageRoot, "plugins/sinks"), (url) => import(url)));
  const language = createLanguage();
  loadFiles = (files) =>
    loadConfig({
      root: "/docs",
      reader: createMemoryReader(files),
      env,
      registry,
      language,
      now: Date.UTC(2026, 10, 24),
    });
});

const told = (loaded: Loaded) =>
  loaded.diagnostics.map(({ code, span, message }) => `${code} ${span.file}:${span.line}: ${message}`);

describe("yaml blocks of the documentation", () => {
  it("say what they are", () => {
    expect(blocks.filter((block) => block.tag === "").map((block) => `${block.page}:${block.line}`)).toEqual([]);
  });

  it("of the providers' pages pass `check`, as one installation that takes events from all of them", () => {
    const shown = blocks.filter(ofProvider);
    const sources = shown.map((block): unknown => parse(block.text)).reduce(merge, {});
    expect(shown.length).toBeGreaterThan(80);
    expect(Object.keys(isMapping(sources) && isMapping(sources["sources"]) ? sources["sources"] : {})).toEqual(
      shown.map(({ page }) => page.replace(/^.*\/|\.md$/g, "")),
    );
    const page = "docs/providers/all.md";
    const all: Block = {
      page,
      line: 1,
      language: "yaml",
      tag: "config.yaml",
      text: stringify(merge(withoutWriters, sources)),
    };
    const files = { ...filesOf(all), "pipelines/example.yaml": `${head}${anyRule}` };
    expect(told(loadFiles(files))).toEqual([]);
  });

  for (const block of blocks.filter((one) => !one.tag.startsWith("wrong:") && !ofProvider(one))) {
    it(`${block.page}:${block.line} (${block.tag}) passes \`check\``, () => {
      expect(told(load(block))).toEqual([]);
    });
  }

  for (const block of blocks.filter((one) => one.tag.startsWith("wrong:"))) {
    it(`${block.page}:${block.line} is refused with the code it names`, () => {
      const codes = new Set(load(block).diagnostics.map((diagnostic) => diagnostic.code));
      expect([...codes]).toEqual([block.tag.split(" ")[1]]);
    });
  }

  for (const block of blocks.filter((one) => one.tag === "pipeline")) {
    it(`${block.page}:${block.line}: its tests pass`, async () => {
      const { revision } = load(block);
      const failed = revision === undefined ? ["no revision"] : await failures(revision);
      expect(failed).toEqual([]);
    });
  }
});

async function failures(revision: Revision): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const pipeline of revision.pipelines) {
    expect(pipeline.tests.length).toBeGreaterThan(0);
    for (const test of pipeline.tests) {
      const result = await runTest(revision, pipeline, test, { evaluator, readSample: () => expect.unreachable() });
      lines.push(...result.differences.map((line) => `${test.name}: ${line}`));
    }
  }
  return lines;
}

describe("README.md", () => {
  it("shows the shipped pipeline as it is, up to its tests", () => {
    const [shown] = blocks.filter((block) => block.page === "README.md");
    const file = readFileSync(join(packageRoot, "pipelines/paid-premium.yaml"), "utf8");
    const upToTests = (text: string) => text.replace(/^#.*\n/, "").split("\ntests:")[0];
    expect(upToTests(shown?.text ?? "")).toBe(upToTests(file));
  });
});
