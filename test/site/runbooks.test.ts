import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { runbookFindings, runbookSkeleton } from "../../engine/site/runbooks.ts";
import { exampleEnv } from "../support/example-env.ts";
import { loadRevision } from "../support/revision.ts";

let revision: Revision;
beforeAll(async () => {
  revision = await loadRevision({ root: join(packageRoot, "docs/examples"), env: exampleEnv });
});

const only = (change: { runbook?: string | undefined }): Revision => {
  const [first] = revision.pipelines;
  if (first === undefined) return expect.unreachable();
  const { runbook: _, ...rest } = first;
  return {
    ...revision,
    alerts: [],
    pipelines: [{ ...rest, ...(change.runbook !== undefined && { runbook: change.runbook }) }],
  };
};

it("finds a pipeline that names no runbook", () => {
  expect(runbookFindings(only({}), () => undefined)).toMatchObject([{ code: "HK8165" }]);
});

it("finds a runbook that is not there, and tries no web address", () => {
  expect(runbookFindings(only({ runbook: "docs/gone.md" }), () => undefined)).toMatchObject([
    { code: "HK8166", data: { path: "docs/gone.md" } },
  ]);
  expect(runbookFindings(only({ runbook: "https://wiki.example/x" }), () => undefined)).toEqual([]);
});

it("finds links inside a runbook that lead nowhere, with their place", () => {
  const files: Record<string, string> = {
    "docs/r.md":
      "# R\n\nsee [that](other.md#part), [this](gone.md), [up](../config.yaml)\n`[code](no.md)` [web](https://x.example)\n",
    "docs/other.md": "",
    "config.yaml": "",
  };
  expect(runbookFindings(only({ runbook: "docs/r.md#top" }), (path) => files[path])).toEqual([
    {
      code: "HK8167",
      data: { page: "docs/r.md", target: "gone.md" },
      position: { file: "docs/r.md", line: 3, column: 35 },
    },
  ]);
});

it("writes a first page that names owner, target and each connection", () => {
  const pipeline = revision.pipelines.find((one) => one.name === "dunning");
  if (pipeline === undefined) return expect.unreachable();
  const page = runbookSkeleton(revision, pipeline);
  for (const words of [
    "# dunning",
    "Owner: finance",
    "within 5m, 99.5%",
    "**slack does not answer.**",
    "hookrail pause pipeline dunning",
  ])
    expect(page).toContain(words);
});
