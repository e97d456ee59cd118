import { beforeAll, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { fragmentsOf } from "../../engine/flow/detail.ts";
import { mappingLines } from "../../engine/site/mapping-table.ts";
import { baseConfig, createCheck, pipelineOf } from "../config/support.ts";

let revision: Revision;
beforeAll(async () => {
  const check = await createCheck(["file"]);
  const config = baseConfig.replace(
    "tables:\n",
    "fragments:\n  paid-line:\n    line: lines.data[-1]\n    price: $line.price\ntables:\n",
  );
  const write =
    "      customer: { key: customer, fields: { note: $price, balance: $own } }\n      subscription: { key: $line.id, fields: { seats: seats } }\n";
  const pipeline = pipelineOf({ write }).replace(
    "    write:\n",
    "    let:\n      - paid-line\n      - own: amount_paid\n    write:\n",
  );
  const loaded = check({ "config.yaml": config, "pipelines/paid.yaml": pipeline });
  expect(loaded.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  revision = loaded.revision as Revision;
});

it("names the fragments whose names a row reads, and no others", () => {
  const rule = revision.pipelines[0]?.rules[0];
  const rows = rule?.writes.flatMap((write) => write.fields) ?? [];
  expect(Object.fromEntries(rows.map((row) => [row.name, fragmentsOf(row, rule?.lets ?? [])]))).toEqual({
    note: ["paid-line"],
    balance: [],
    seats: [],
  });
});

it("shows them in the mapping table, with the path that is read in the end", () => {
  const line = (name: string) => mappingLines(revision).find(({ attribute }) => attribute === name);
  expect(line("note")?.from).toContain("with the names of fragment paid-line");
  expect(line("note")?.upstream).toEqual(["lines.data[-1].price"]);
  expect(line("balance")?.from).not.toContain("fragment");
});
