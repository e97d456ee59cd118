/**
 * What the providers' own SDKs signed and judged (made by test/sdk, kept in vectors/): our verdict is theirs, except
 * where we are stricter on purpose. Each exception must still be one, or it goes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { STRICTER_THAN_SDK } from "../../engine/provider/stricter.ts";
import { runCommand } from "../support/cli.ts";

interface Vector {
  readonly case: string;
  readonly provider: string;
  readonly package: string;
  readonly sdk: "accept" | "reject";
}

const folder = join(import.meta.dirname, "vectors");

/** Vectors that the SDK lets in and we refuse. */
const stricter = new Set(
  STRICTER_THAN_SDK.flatMap(({ providers, cases }) =>
    providers.flatMap((provider) => cases.map((name) => `${provider}: ${name}`)),
  ),
);

describe.each(readdirSync(folder))("%s", (file) => {
  const lines = readFileSync(join(folder, file), "utf8").trimEnd().split("\n");
  const vectors = lines.map((line): Vector => JSON.parse(line));

  it("is judged as the SDK judges it, or more strictly where that is written down", async () => {
    const run = await runCommand(folder, ["verify", file, "--json"]);
    const verdicts = run.stdout
      .trimEnd()
      .split("\n")
      .map((line): { result: string; reason?: string } => JSON.parse(line));
    const told = vectors.map((vector, at) => {
      const name = `${vector.provider}: ${vector.case}`;
      const ours = verdicts[at];
      return `${name}: ${ours?.result}${ours?.result === vector.sdk || stricter.has(name) ? "" : ` (${ours?.reason ?? ""})`}`;
    });
    expect(told).toEqual(
      vectors.map(({ provider, case: name, sdk }) => {
        const full = `${provider}: ${name}`;
        return `${full}: ${stricter.has(full) ? "reject" : sdk}`;
      }),
    );
    const needless = vectors.filter((one) => one.sdk === "reject" && stricter.has(`${one.provider}: ${one.case}`));
    expect(needless).toEqual([]);
  });

  it("holds at least one request that is let in and several that are not", () => {
    expect(vectors.filter(({ sdk }) => sdk === "accept").length).toBeGreaterThan(0);
    expect(vectors.filter(({ sdk }) => sdk === "reject").length).toBeGreaterThan(0);
  });
});
