import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { referenceMarkdown } from "../../../engine/config/schema/reference.ts";
import { packageRoot } from "../../../engine/core/paths.ts";
import { shippedRegistry } from "../support.ts";

describe("referenceMarkdown", () => {
  it("has a row for every key of a section, with what it takes and means", () => {
    const page = referenceMarkdown()["pipelines.md"] ?? "";
    expect(page).toContain("| `sla` | mapping |  | What the team promises; retries and alerts follow from it. |");
    expect(page).toContain("| `owner` | a name | yes | The team that answers for it. |");
  });

  it("tells a grammar once and refers to it elsewhere", () => {
    const { "pipelines.md": pipelines, "config.md": config } = referenceMarkdown();
    expect(pipelines).toContain("As `sources.NAME` in [config.md](config.md).");
    expect(config).toContain("in [providers.md](providers.md).");
  });

  it("says of a key that comes later that it does", () => {
    expect(referenceMarkdown()["pipelines.md"]).toMatch(/\| `next` \|.*Not in this version yet/);
  });

  it("is what docs/reference has: after a change, `npm run gen` writes it anew", async () => {
    const sinks = (await shippedRegistry()).list().map((sink) => sink.descriptor);
    for (const [name, text] of Object.entries(referenceMarkdown(sinks))) {
      const path = join(packageRoot, "docs/reference", name);
      expect(existsSync(path) ? readFileSync(path, "utf8") : "", `docs/reference/${name}`).toBe(text);
    }
  });
});
