import { beforeAll, describe, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { isSame, resolvedHash, restartKeys, sameConnections } from "../../engine/reload/compare.ts";
import { baseConfig, type Check, createCheck, testEnv } from "../config/support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file", "http"]);
});

const more = `${baseConfig.replace("connections:", 'connections:\n  api: { sink: http, url: "https://${HOST}/x", headers: { authorization: "Bearer ${TOKEN}" } }')}`;

function load(edit: (text: string) => string = (text) => text, env: Readonly<Record<string, string>> = {}): Revision {
  const loaded = check(
    { "config.yaml": edit(more) },
    { env: { ...testEnv, HOST: "a.example.com", TOKEN: "one", ...env } },
  );
  const { revision } = loaded;
  if (revision === undefined) throw new Error(loaded.diagnostics.map((one) => `${one.code} ${one.message}`).join("\n"));
  return revision;
}

describe("isSame", () => {
  it("is true for the same files with the same values behind their references", () => {
    expect(isSame(load(), load())).toBe(true);
  });

  it("sees a secret and a variable that changed though no file did, and shows neither", () => {
    const first = load();
    for (const env of [{ TOKEN: "two" }, { HOST: "b.example.com" }, { STRIPE_WHSEC: "whsec_other" }]) {
      const next = load(undefined, env);
      expect(next.hash).toBe(first.hash);
      expect(isSame(first, next)).toBe(false);
      expect(resolvedHash(next)).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it("sees a comment: the revision keeps the files as they are", () => {
    expect(
      isSame(
        load(),
        load((text) => `# why\n${text}`),
      ),
    ).toBe(false);
  });
});

describe("sameConnections", () => {
  const same = (edit?: (text: string) => string, env?: Readonly<Record<string, string>>) =>
    [...sameConnections(load(), load(edit, env))].sort();

  it("keeps those that have not changed, whatever else has, down to their secrets", () => {
    expect(same()).toEqual(["api", "out"]);
    expect(same((text) => text.replace("/hooks/stripe", "/hooks/other"))).toEqual(["api", "out"]);
    expect(same((text) => text.replace("sink: http,", "sink: http, timeout: 3s,"))).toEqual(["out"]);
    expect(same(undefined, { TOKEN: "two" })).toEqual(["out"]);
  });

  it("keeps none when what sinks know of entities has changed", () => {
    expect(same((text) => text.replace("note: { type: string", "note: { sensitive: true, type: string"))).toEqual([]);
  });
});

describe("restartKeys", () => {
  it("names what is read only at the start, and nothing else", () => {
    const keys = (text: string) =>
      restartKeys(
        load(),
        load((before) => `${text}\n${before}`),
      );
    expect(keys("server: { port: 8099, host: 127.0.0.2 }")).toEqual(["server.host", "server.port"]);
    expect(keys("admin: { port: 8082 }")).toEqual(["admin"]);
    expect(keys("store: sqlite:./data/other.db")).toEqual(["store"]);
    expect(keys("server: { limits: { max_header: 32KiB } }")).toEqual(["server.limits.max_header"]);
    expect(keys("server: { trusted_proxies: [10.0.0.1], limits: { max_connections: 9 } }")).toEqual([]);
    expect(keys("log: { level: debug }\nlimits: { drain: 5s }\nretention: { bodies: 3d }")).toEqual([]);
  });
});
