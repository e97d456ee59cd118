import { beforeAll, describe, expect, it } from "vitest";
import { makeCertificate } from "../../support/certificates.ts";
import { baseConfig, brief, type Check, createCheck, pipelineOf } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

const one = makeCertificate({ name: "hooks.example" });
const other = makeCertificate({ name: "hooks.example" });

const revision = (more: string, env: Record<string, string> = {}) => {
  const loaded = check(
    { "config.yaml": baseConfig + more, "certs/a.pem": one.cert, "certs/b.pem": one.key, "certs/c.pem": other.key },
    Object.keys(env).length > 0 ? { env } : {},
  );
  return loaded.revision ?? brief(loaded);
};

describe("the installation", () => {
  it("has safe defaults", () => {
    expect(revision("")).toMatchObject({
      environment: "dev",
      server: { host: "127.0.0.1", port: 8080 },
      admin: { host: "127.0.0.1", port: 8081, tokens: [] },
      store: { kind: "sqlite", path: "./data/hookrail.db" },
      limits: { mappingTimeoutMs: 250, drainMs: 20_000 },
      seed: "none",
    });
  });

  it("listens to the world only where it says it stands there", () => {
    expect(revision("environment: production\n")).toMatchObject({
      server: { host: "0.0.0.0" },
      admin: { host: "127.0.0.1" },
    });
  });

  it("reads certificates from its own folder", () => {
    expect(revision("server: { tls: { cert: certs/a.pem, key: certs/b.pem } }\n")).toMatchObject({
      server: { tls: { cert: one.cert, files: { cert: "certs/a.pem", key: "certs/b.pem" } } },
    });
    expect(revision("server: { tls: { cert: certs/a.pem, key: certs/c.pem } }\n")).toEqual(["error HK1122 26:24"]);
    // A CA that is not there must not become a server that asks for no certificates.
    expect(revision("server: { tls: { cert: certs/a.pem, key: certs/b.pem, client_ca: ca.pem } }\n")).toEqual([
      "error HK1001 26:66",
    ]);
    expect(revision("server: { tls: { cert: certs/none.pem, key: ../b.pem } }\n")).toEqual([
      "error HK1001 26:24",
      "error HK1006 26:45",
    ]);
  });

  it("takes tokens with roles that are known", () => {
    const text = (role: string) =>
      `admin: { tokens: [{ name: ci, hash: sha256:${"ab".repeat(32)}, role: ${role} }] }\n`;
    expect(revision(text("operator"))).toMatchObject({
      admin: { tokens: [{ name: "ci", role: "operator", sha256: "ab".repeat(32) }] },
    });
    expect(revision(text("root"))).toEqual(["error HK1013 26:116"]);
  });
});

describe("entities", () => {
  const load = (entities: string) => check({ "config.yaml": `teams: { t: {} }\nseed: none\nentities:\n${entities}` });

  it("have states as a list, or as a table of moves that is checked", () => {
    const order = load("  order: { states: { open: [paid, void], paid: [], void: [] } }\n").revision?.entities.get(
      "order",
    );
    expect([order?.states, [...(order?.transitions?.get("open") ?? [])]]).toEqual([
      ["open", "paid", "void"],
      ["paid", "void"],
    ]);
    expect(brief(load("  order: { states: { open: [payd], paid: [] } }\n"))).toEqual(["error HK1043 4:29"]);
  });

  it("know their children, and their ids", () => {
    const { revision: loaded } = load("  account: {}\n  seat: { parent: account, ids: [seat_id] }\n");
    expect(loaded?.entities.get("account")).toMatchObject({ children: ["seat"], ids: ["id"] });
    expect(loaded?.entities.get("seat")).toMatchObject({ parent: "account", ids: ["seat_id"] });
  });

  it("derive attributes from their own", () => {
    const { revision: loaded } = load(
      "  a: { attributes: { x: { type: integer, owner: t }, y: { type: boolean, owner: t, derive: x > 1 } } }\n",
    );
    expect(loaded?.entities.get("a")?.attributes.get("y")?.derive?.source).toBe("x > 1");
  });
});

describe("contracts", () => {
  const contract = (schema: string) => ({
    "config.yaml": baseConfig,
    "pipelines/a.yaml": pipelineOf({ head: "contract: v1\n" }),
    "pipelines/contracts/stripe/v1.yaml": `contract: v1\nprovider: stripe\nschema:\n  invoice.paid: ${schema}\n`,
  });

  it("are compiled for the pipelines that name them", () => {
    const { revision: loaded } = check(contract("{ type: object }"));
    expect(loaded?.pipelines[0]?.contract).toMatchObject({ provider: "stripe", version: "v1" });
  });

  it("are checked where they stand", () => {
    expect(brief(check(contract("{ type: objekt }")), "pipelines/contracts/stripe/v1.yaml")).toEqual([
      "error HK7001 4:3",
    ]);
  });
});
