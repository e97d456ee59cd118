import { beforeAll, describe, expect, it } from "vitest";
import { createMemoryReader } from "../../../engine/config/files.ts";
import { loadConfig } from "../../../engine/config/load.ts";
import { baseConfig, brief, type Check, createCheck, pipelineOf, shippedRegistry, testEnv } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file"]);
});

const config = (table: string) =>
  baseConfig.replace(/ {2}plans:\n {4}price_pro.*\n {4}price_team.*\n/, `  plans: ${table}\n`);

const write = `      subscription:
        key: id
        fields:
          plan: { from: price, table: plans.plan }
          seats: { from: price, table: plans.seats }
`;

function files(csv: string, table = "{ csv: tables/plans.csv, key: price }", own = write) {
  return { "config.yaml": config(table), "tables/plans.csv": csv, "pipelines/paid.yaml": pipelineOf({ write: own }) };
}

function tableOf(loaded: ReturnType<Check>, attribute: string) {
  const fields = loaded.revision?.pipelines[0]?.rules[0]?.writes[0]?.fields;
  return Object.fromEntries(fields?.find((row) => row.name === attribute)?.table?.rows ?? []);
}

describe("a table in a CSV file", () => {
  it("gives each cell the type of the attribute that reads it", () => {
    const loaded = check(files("price,plan,seats\nprice_pro,pro,1\nprice_team,team,25\n"));
    expect(brief(loaded)).toEqual([]);
    expect(tableOf(loaded, "plan")).toEqual({ price_pro: "pro", price_team: "team" });
    expect(tableOf(loaded, "seats")).toEqual({ price_pro: 1, price_team: 25 });
  });

  it.each([
    [
      "a byte order mark and Windows line ends",
      "\ufeffprice,plan,seats\r\nprice_pro,pro,1\r\n\r\nprice_team,team,25\r\n",
    ],
    ["line ends of both kinds", "price,plan,seats\r\nprice_pro,pro,1\nprice_team,team,25\r\n"],
    ["quotes, spaces and another order of columns", 'plan , "seats",price\n"pro", 1 ,"price_pro"\nteam,25, price_team'],
  ])("takes %s", (_what, csv) => {
    const loaded = check(files(csv));
    expect(brief(loaded)).toEqual([]);
    expect(tableOf(loaded, "plan")).toEqual({ price_pro: "pro", price_team: "team" });
    expect(tableOf(loaded, "seats")).toEqual({ price_pro: 1, price_team: 25 });
  });

  it("takes semicolons and tabs when told so", () => {
    for (const [separator, char] of [
      ['";"', ";"],
      ["tab", "\t"],
    ]) {
      const csv = `price,plan,seats\nprice_pro,pro,1\n`.replaceAll(",", char ?? "");
      const loaded = check(files(csv, `{ csv: tables/plans.csv, key: price, separator: ${separator} }`));
      expect(brief(loaded)).toEqual([]);
      expect(tableOf(loaded, "seats")).toEqual({ price_pro: 1 });
    }
  });

  it("keeps a cell with a separator, a quote and a line break in it", () => {
    const own = "      customer: { key: customer, fields: { note: { from: price, table: plans } } }\n";
    const loaded = check(files('price,note\nprice_pro,"a, ""b""\nc"\nprice_team,d\n', undefined, own));
    expect(brief(loaded)).toEqual([]);
    expect(tableOf(loaded, "note")).toEqual({ price_pro: 'a, "b"\nc', price_team: "d" });
  });

  it("points into the file, also behind a cell of several lines and behind empty ones", () => {
    const loaded = check(files('price,plan,seats\nprice_pro,"pro",1\n\n"price\n_x",team,2\nprice_team,gold,many\n'));
    expect(brief(loaded, "tables/plans.csv")).toEqual(["error HK1080 6:12", "error HK1080 6:17"]);
  });

  it("keeps keys that would pose as a prototype", () => {
    const loaded = check(files("price,plan,seats\n__proto__,pro,1\nconstructor,team,2\n"));
    expect(brief(loaded)).toEqual([]);
    expect(loaded.revision?.tables.get("plans")?.rows.size).toBe(2);
  });

  it("says of another encoding where it is broken", () => {
    const loaded = check(files("price,plan,seats\nprice_pro,pro,1\nprice_\ufffd,team,2\n"));
    expect(brief(loaded)).toEqual(["error HK1270 3:7"]);
  });

  it("is still a plain table when no file is named", () => {
    const own = "      customer: { key: customer, fields: { note: { from: kind, table: plans } } }\n";
    const loaded = check(files("", "{ csv: comma separated, json: JSON }", own));
    expect(brief(loaded)).toEqual([]);
    expect(tableOf(loaded, "note")).toEqual({ csv: "comma separated", json: "JSON" });
  });

  it("belongs to the revision: another cell is another revision, and the stored files make the same one", async () => {
    const first = check(files("price,plan,seats\nprice_pro,pro,1\n"));
    const second = check(files("price,plan,seats\nprice_pro,pro,2\n"));
    expect(first.revision?.hash).not.toBe(second.revision?.hash);
    expect(Object.keys(first.files)).toContain("tables/plans.csv");
    const again = loadConfig({
      root: "/elsewhere",
      reader: createMemoryReader(first.files),
      env: testEnv,
      registry: await shippedRegistry(["file"]),
    });
    expect(again.revision?.hash).toBe(first.revision?.hash);
  });
});
