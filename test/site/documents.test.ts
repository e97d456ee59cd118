import { join, posix } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { DOC_FORMATS, documentsOf } from "../../engine/site/documents.ts";
import { overviewGraph } from "../../engine/site/graph.ts";
import { inventoryLines } from "../../engine/site/inventory.ts";
import { layOut, NODE } from "../../engine/site/layout.ts";
import { mappingLines } from "../../engine/site/mapping-table.ts";
import { MASK, maskSample } from "../../engine/site/samples.ts";
import { exampleEnv } from "../support/example-env.ts";
import { loadRevision } from "../support/revision.ts";

const options = { formats: new Set(DOC_FORMATS), toRoot: "../../", name: "Acme <hooks>" };
let revision: Revision;
let documents: Readonly<Record<string, string>>;
beforeAll(async () => {
  revision = await loadRevision({ root: join(packageRoot, "docs/examples"), env: exampleEnv });
  documents = documentsOf(revision, options);
});

const pagesOf = () => Object.entries(documents).filter(([path]) => path.endsWith(".html"));

describe("the mapping table", () => {
  it("has a line for every row of every rule, and one for each computed attribute", () => {
    const lines = mappingLines(revision);
    const written = revision.pipelines.flatMap(({ rules }) =>
      rules.flatMap(({ writes }) => writes.flatMap((w) => w.fields)),
    );
    expect(lines.filter((line) => line.kind === "attribute")).toHaveLength(written.length);
    const computed = [...revision.entities.values()].flatMap(({ attributes }) =>
      [...attributes.values()].filter((one) => one.rollup !== undefined || one.derive !== undefined),
    );
    expect(lines.filter((line) => line.kind === "computed")).toHaveLength(computed.length);
    expect(computed.length).toBeGreaterThan(3);
  });

  it("names the upstream field behind a let, the owner, and what happens on missing data", () => {
    const line = mappingLines(revision).find((one) => one.pipeline === "paid-premium" && one.attribute === "seats");
    expect(line).toMatchObject({
      entity: "subscription",
      upstream: ["lines.data[parent.subscription_item_details.proration = false][-1].quantity"],
      from: "$line.quantity",
      owner: "revenue-ops",
      missing: "keeps what is stored",
      invalid: "dead letter",
      protected: true,
      position: { file: "pipelines/paid-premium.yaml" },
    });
    expect(mappingLines(revision).find((one) => one.attribute === "next_attempt_at")).toMatchObject({
      onNull: "blanks it",
    });
  });
});

describe("the event inventory", () => {
  it("has every event type of every rule, with owner, target and runbook", () => {
    const lines = inventoryLines(revision);
    const types = revision.pipelines.flatMap(({ rules }) => rules.flatMap((rule) => rule.on));
    expect(lines.map((line) => line.event)).toEqual(types);
    expect(lines.find((line) => line.pipeline === "dunning")).toMatchObject({
      owner: "finance",
      lag: "5m",
      objective: "99.5%",
      runbook: "runbooks/dunning.md",
      source: "stripe",
    });
  });
});

describe("the graph", () => {
  it("leads every pipeline from its source over its entities to each connection it sends to", () => {
    const { nodes, edges } = overviewGraph(revision);
    const reach = (from: string, seen = new Set<string>()): Set<string> => {
      for (const { to } of edges.filter((edge) => edge.from === from && edge.kind !== "fetch"))
        if (!seen.has(to)) reach(to, seen.add(to));
      return seen;
    };
    for (const { name, source, deliver } of revision.pipelines) {
      expect(edges).toContainEqual(expect.objectContaining({ from: `source:${source.name}`, to: `pipeline:${name}` }));
      const reached = reach(`pipeline:${name}`);
      for (const { connection } of deliver.flat()) expect([...reached], name).toContain(`connection:${connection}`);
    }
    expect(nodes.length).toBeGreaterThan(25);
  });

  it("places no box on another", () => {
    const placed = [...layOut(overviewGraph(revision)).placed.values()];
    const overlaps = placed.flatMap((a, index) =>
      placed
        .slice(index + 1)
        .filter((b) => Math.abs(a.x - b.x) < NODE.width && Math.abs(a.y - b.y) < NODE.height)
        .map((b) => [a.node.id, b.node.id]),
    );
    expect(overlaps).toEqual([]);
  });

  it("is drawn in Mermaid and SVG with every node", () => {
    for (const { name } of overviewGraph(revision).nodes) {
      expect(documents["README.md"]).toContain(`"${name}`);
      expect(documents["graph.svg"]).toContain(`>${name}<`);
    }
    expect(documents["states.md"]).toContain("stateDiagram-v2");
  });
});

describe("the site", () => {
  it("is the same for the same config, and holds no date", async () => {
    const again = await loadRevision({ root: join(packageRoot, "docs/examples"), env: exampleEnv });
    expect(documentsOf(again, options)).toEqual(documents);
  });

  it("has a page for each pipeline, entity, source, connection and team", () => {
    const wanted = [
      ...revision.pipelines.map(({ name }) => `site/pipelines/${name}.html`),
      ...[...revision.entities.keys()].map((name) => `site/entities/${name}.html`),
      ...[...revision.sources.keys()].map((name) => `site/sources/${name}.html`),
      ...[...revision.connections.keys()].map((name) => `site/connections/${name}.html`),
      ...[...revision.teams.keys()].map((name) => `site/teams/${name}.html`),
    ];
    expect(Object.keys(documents)).toEqual(expect.arrayContaining(wanted));
  });

  it("has no link that leads nowhere, and no id twice", () => {
    const broken: string[] = [];
    for (const [path, text] of pagesOf()) {
      const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size, path).toBe(ids.length);
      for (const [, target = ""] of text.matchAll(/ (?:href|src)="([^"]+)"/g)) {
        const [file = "", anchor] = target.split("#");
        if (/^https:/.test(file)) continue;
        const found = file === "" ? path : posix.join(posix.dirname(path), file);
        if (found.startsWith("../")) expect(target, path).toMatch(/runbooks\/[\w-]+\.md$/);
        else if (documents[found] === undefined) broken.push(`${path}: ${target}`);
        else if (anchor !== undefined && !documents[found].includes(` id="${anchor}"`))
          broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("lets nothing foreign or inline in, and says so in its policy", () => {
    for (const [path, text] of pagesOf()) {
      expect(text, path).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none';`);
      expect(text, path).not.toMatch(
        / style="| on[a-z]+="|<style|<script(?! src=)|javascript:|(?:src|rel="stylesheet" href)="https?:/,
      );
    }
  });

  it("has landmarks, one h1, captions and headings of columns", () => {
    for (const [path, text] of pagesOf()) {
      for (const mark of [
        '<html lang="en">',
        "<header>",
        "<nav aria-label=",
        '<main id="main">',
        "<footer>",
        'href="#main"',
      ])
        expect(text, path).toContain(mark);
      expect(text.match(/<h1>/g), path).toHaveLength(1);
      expect(text.match(/<caption>/g)?.length, path).toBe(text.match(/<table>/g)?.length);
      expect(text.match(/<svg/g)?.length ?? 0, path).toBe(
        text.match(/<svg[^>]*role="group" aria-labelledby=/g)?.length ?? 0,
      );
    }
  });

  it("takes names for text, never for markup", () => {
    expect(documents["site/index.html"]).toContain("Acme &lt;hooks&gt;");
    expect(documents["site/index.html"]).not.toContain("<hooks>");
    expect(documents["graph.svg"]).toContain("Acme &lt;hooks&gt;");
    expect(documents["site/search-index.js"]).not.toContain("<");
  });

  it("keeps 4.5:1 between text and what is behind it, in both themes", () => {
    const css = documents["site/style.css"] ?? "";
    const themes = [...css.matchAll(/^(?::root|:root\[data-theme="dark"\]) \{([^}]*)\}/gm)].map(
      ([, body = ""]) => body,
    );
    expect(themes).toHaveLength(2);
    for (const body of themes) {
      const value = (name: string) =>
        new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(body)?.[1] ?? expect.unreachable(name);
      const pairs = [
        ...["fore", "quiet", "link"].flatMap((front) => ["back", "soft"].map((back) => [front, back])),
        ...["source", "entity", "connection", "box"].flatMap((back) => [
          ["fore", back],
          ["quiet", back],
        ]),
        ["good", "good-back"],
        ["warn", "warn-back"],
      ] as const;
      for (const [front = "", back = ""] of pairs)
        expect(contrast(value(front), value(back)), `${front} on ${back}`).toBeGreaterThanOrEqual(4.5);
    }
  });
});

function contrast(a: string, b: string): number {
  const light = (hex: string) => {
    const [r = 0, g = 0, blue = 0] = [1, 3, 5].map((at) => {
      const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe("samples", () => {
  it("hide what feeds sensitive attributes, what is called like personal data, and the same values elsewhere", () => {
    const body = {
      who: { email: "ada@example.com", plan: "pro" },
      note: "from ada@example.com",
      secret_no: "x-77",
      n: [{ badge: 12 }],
    };
    expect(maskSample(body, new Set(["badge"]))).toEqual({
      who: { email: MASK, plan: "pro" },
      note: MASK,
      secret_no: MASK,
      n: [{ badge: MASK }],
    });
  });

  it("stand masked on the source's page", () => {
    const page = documents["site/sources/typeform.html"] ?? "";
    expect(page).toContain("<summary>");
    expect(page).toContain(MASK);
    expect(page).not.toContain("ada@example.com");
  });
});
