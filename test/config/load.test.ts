import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { createDiskReader } from "../../engine/config/files.ts";
import { diagnosticsJson, renderDiagnostics } from "../../engine/config/render.ts";
import { packageRoot } from "../../engine/core/paths.ts";
import { makeCertificate } from "../support/certificates.ts";
import { baseConfig, brief, type Check, createCheck, pipelineOf, testEnv } from "./support.ts";

const fixture = join(packageRoot, "test/fixtures/language");
const fixtureFiles = (): Record<string, string> => {
  const names = ["config.yaml", ...readdirSync(join(fixture, "pipelines")).map((name) => `pipelines/${name}`)];
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(fixture, name), "utf8")]));
};
const base = (more: string) => ({ "config.yaml": baseConfig + more });

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

describe("loadConfig of the example language", () => {
  it("passes, with its nine pipelines", () => {
    const { revision, diagnostics } = check({}, { reader: createDiskReader(fixture), root: fixture });
    expect(diagnostics.filter((diagnostic) => diagnostic.severity === "error")).toEqual([]);
    expect(revision?.pipelines.map((pipeline) => pipeline.name).sort()).toEqual(
      [
        "dunning",
        "form-lead",
        "paid-premium",
        "plan-changes",
        "refunds",
        "seats",
        "seats-paid",
        "trial-ending",
        "user-deleted",
      ].sort(),
    );
  });

  it("warns of what is meant to be looked at, and of nothing else", () => {
    const { diagnostics } = check(fixtureFiles());
    expect([...new Set(diagnostics.map((diagnostic) => diagnostic.code))].sort()).toEqual([
      "HK1062",
      "HK1091",
      "HK5208",
    ]);
  });

  it("compiles rows, rollups, deliveries and tests", () => {
    const revision = check(fixtureFiles()).revision;
    const paid = revision?.pipelines.find((pipeline) => pipeline.name === "paid-premium");
    const [rule] = paid?.rules ?? [];
    const plan = rule?.writes
      .find((write) => write.entity === "subscription")
      ?.fields.find((row) => row.name === "plan");
    expect(rule?.lets.map((entry) => entry.name)).toEqual(["line", "price"]);
    expect(plan).toMatchObject({
      missing: { kind: "keep" },
      invalid: "reject",
      owner: "revenue-ops",
      table: { name: "plans", column: "plan" },
    });
    expect(plan?.table?.rows.get("price_team_month")).toBe("team");
    expect(plan?.position).toEqual({ file: "pipelines/1-paid-premium.yaml", line: 18, column: 23 });
    expect(revision?.entities.get("customer")?.attributes.get("tier")?.rollup).toMatchObject({
      childType: "subscription",
      childAttribute: "plan",
      none: { value: "free" },
    });
    expect(paid?.deliver[0]?.map((entry) => entry.id)).toEqual([
      "local/upsert/*",
      "crm/identify/customer",
      "crm/track/customer/onboarding_started",
    ]);
    expect(paid?.sla).toEqual({ lagMs: 60_000, objective: 0.999 });
    expect(paid?.tests[1]).toMatchObject({
      events: [{ times: 3, payload: { kind: "sample", name: "invoice.paid" } }, { at: { offsetMs: 30 * 86_400_000 } }],
    });
  });
});

describe("a revision", () => {
  it("has the same hash for the same content, whatever the line ends", () => {
    const hash = check(base("")).revision?.hash;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(check(base("")).revision?.hash).toBe(hash);
    expect(check({ "config.yaml": baseConfig.replaceAll("\n", "\r\n") }).revision?.hash).toBe(hash);
  });

  it("has another hash when any file changes, and the same when a secret's value does", () => {
    const hash = check(base("")).revision?.hash;
    expect(check(base("# a note\n")).revision?.hash).not.toBe(hash);
    expect(check({ ...base(""), "pipelines/a.yaml": pipelineOf() }).revision?.hash).not.toBe(hash);
    expect(check(base(""), { env: { ...testEnv, STRIPE_WHSEC: "other" } }).revision?.hash).toBe(hash);
  });

  it("can be loaded again from the files it holds, shipped ones included", () => {
    const first = check({ ...base(""), "pipelines/a.yaml": pipelineOf() }).revision;
    expect(Object.keys(first?.files ?? {})).toContain("plugins/providers/stripe.yaml");
    const again = check(first?.files ?? {}, { shipped: { read: () => undefined, list: () => [] } });
    expect(again.revision?.hash).toBe(first?.hash);
  });

  it("is frozen all the way down", () => {
    const revision = check({ ...base(""), "pipelines/a.yaml": pipelineOf() }).revision;
    const [pipeline] = revision?.pipelines ?? [];
    for (const part of [
      revision,
      revision?.server,
      pipeline,
      pipeline?.rules,
      pipeline?.rules[0]?.writes[0],
      revision?.sources.get("stripe"),
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("holds no secret: neither env files nor keys are part of it", () => {
    const { cert, key } = makeCertificate({ name: "hooks.example" });
    const files = {
      "config.yaml": `${baseConfig}env_file: .env\nserver: { tls: { cert: a.pem, key: b.pem } }\n`,
      ".env": "STRIPE_WHSEC=CANARY-1\n",
      "a.pem": cert,
      "b.pem": key,
    };
    const loaded = check(files, { env: {} });
    expect(loaded.revision?.sources.get("stripe")?.secrets[0]?.value.reveal()).toBe("CANARY-1");
    const told = JSON.stringify([loaded.files, loaded.revision?.files, loaded.revision?.server]);
    for (const secret of ["CANARY", key.split("\n")[1] as string]) expect(told).not.toContain(secret);
    expect(loaded.revision?.server.tls?.key.reveal()).toBe(key);
  });

  it("is not made when there is an error, and is when there are only warnings", () => {
    expect(check(base("sever: {}\n")).revision).toBeUndefined();
    expect(check({ "config.yaml": baseConfig.replace('"${STRIPE_WHSEC}"', "plain") }).revision).toBeDefined();
  });
});

describe("references", () => {
  const source = (secret: string) => ({ "config.yaml": baseConfig.replace("${STRIPE_WHSEC}", secret) });
  const secretOf = (loaded: ReturnType<Check>) => loaded.revision?.sources.get("stripe")?.secrets[0]?.value;

  it("become secrets that do not print", () => {
    const secret = secretOf(check(source("${STRIPE_WHSEC}")));
    expect(secret?.reveal()).toBe("whsec_current");
    expect(`${secret} ${inspect(secret)} ${JSON.stringify(secret)}`).not.toContain("whsec_current");
  });

  it("come from files, and from env_file below the environment", () => {
    expect(secretOf(check(source("${file:/run/secrets/stripe}")))?.reveal()).toBe("whsec_file");
    const files = {
      "config.yaml": `env_file: .env\n${source("${FROM_FILE}")["config.yaml"]}`,
      ".env": "FROM_FILE=low\n",
    };
    expect(secretOf(check(files))?.reveal()).toBe("low");
    expect(secretOf(check(files, { env: { FROM_FILE: "high" } }))?.reveal()).toBe("high");
  });

  it("become numbers and booleans where those are wanted", () => {
    const { revision } = check(base('server: { port: "${PORT}" }\n'), { env: { ...testEnv, PORT: "9000" } });
    expect(revision?.server.port).toBe(9000);
  });

  it("never add structure", () => {
    const { revision } = check(
      { ...base('description: "${D}"\n') },
      { env: { ...testEnv, D: "x\nserver: { port: 1 }" } },
    );
    expect(revision?.server.port).toBe(8080);
  });

  it("never show their values, whatever is wrong", () => {
    const canary = "CANARY-4242";
    const env = Object.fromEntries([...Object.keys(testEnv), "C"].map((name) => [name, canary]));
    const files = {
      "config.yaml": `${baseConfig}environment: "\${C}"\nserver: { port: "\${C}", host: 5 }\nretention: { bodies: "\${C}" }\nlog: { level: "\${C}" }\nchannels: { x: { to: "\${C}" } }\n`,
      "pipelines/a.yaml": pipelineOf({ head: 'enabled: "${C}"\nsla: { lag: "${C}" }\n' }),
    };
    const loaded = check(files, { env });
    expect(loaded.diagnostics.length).toBeGreaterThan(5);
    expect(
      JSON.stringify(diagnosticsJson(loaded.diagnostics)) +
        renderDiagnostics(loaded.diagnostics, { files: loaded.files }),
    ).not.toContain(canary);
  });
});

describe("environments of a connection", () => {
  const files = {
    "config.yaml": `${baseConfig.replace("connections:\n", 'connections:\n  slack: { sink: slack, token: "${SLACK_TOKEN}", environments: { production: { token: "${PROD_TOKEN}" } } }\n')}environment: "\${ENVIRONMENT}"\n`,
  };

  it("win where they hold, and ask for no secret elsewhere", () => {
    const token = (loaded: ReturnType<Check>) =>
      String(
        Reflect.get(Object(loaded.revision?.connections.get("slack")?.settings["token"]), "reveal")?.call(
          loaded.revision?.connections.get("slack")?.settings["token"],
        ),
      );
    expect(token(check(files, { env: { ...testEnv, ENVIRONMENT: "dev" } }))).toBe("slack-token");
    expect(token(check(files, { env: { ...testEnv, ENVIRONMENT: "production", PROD_TOKEN: "prod" } }))).toBe("prod");
    expect(brief(check(files, { env: { ...testEnv, ENVIRONMENT: "production" } }))).toEqual(["error HK1020 24:88"]);
  });
});

describe("what is reported", () => {
  it("is everything at once, sorted by place, config.yaml first", () => {
    const loaded = check({
      "config.yaml": `${baseConfig}sever: {}\n`,
      "pipelines/a.yaml": pipelineOf({
        head: "slaa: {}\n",
        write: "      custmer: { key: a }\n      customer: { key: $lin.id, fields: { balanse: b } }\n",
      }),
      "pipelines/b.yaml": "pipeline: b\nowner: finance\n",
    });
    expect(brief(loaded)).toEqual([
      "error HK1010 26:1",
      "error HK1010 4:1",
      "error HK1041 8:7",
      "error HK2003 9:24",
      "error HK1042 9:43",
      "error HK1012 1:1",
      "error HK1012 1:1",
    ]);
  });

  it("after a syntax error in config.yaml, does not miss the names it would have declared", () => {
    const loaded = check({
      "config.yaml": `${baseConfig}broken: [\n`,
      "pipelines/a.yaml": pipelineOf({ head: "slaa: {}\n" }),
    });
    expect(brief(loaded)).toEqual(["error HK1002 27:1", "error HK1010 4:1"]);
  });

  it("after a syntax error in a pipeline, still checks the others", () => {
    const loaded = check({
      ...base(""),
      "pipelines/a.yaml": "pipeline: [\n",
      "pipelines/b.yaml": pipelineOf({ head: "slaa: {}\n" }),
    });
    expect(brief(loaded)).toEqual(["error HK1002 2:1", "error HK1010 4:1"]);
  });

  it("does not call what is declared, but broken, undeclared", () => {
    const loaded = check({
      "config.yaml": baseConfig.replace("balance: { type: integer, owner: finance }", "balance: 5"),
      "pipelines/a.yaml": pipelineOf(),
    });
    expect(brief(loaded)).toEqual(["error HK1011 15:16"]);
  });

  it("tells that config.yaml is not there", () => {
    expect(check({}).unreadable).toBe(true);
  });
});

describe("an installation's own plugins", () => {
  it("win over shipped ones of the same name", () => {
    const recipe =
      "provider: stripe\ntitle: Own Stripe\nverify: [{ scheme: hmac, header: x-own }]\nevents: { id: body:id, type: body:type }\n";
    const { revision } = check({ ...base(""), "plugins/providers/stripe.yaml": recipe });
    expect(revision?.sources.get("stripe")?.recipe.title).toBe("Own Stripe");
  });

  it("are checked, with their place in the file", () => {
    const loaded = check({
      ...base(""),
      "plugins/providers/mine.yaml": "provider: mine\ntitle: Mine\nverify: [{ scheme: hmc }]\n",
      "plugins/sinks/crm.yaml": "sink: crm\n",
    });
    expect(brief(loaded, "plugins/providers/mine.yaml")).toEqual(["error HK1013 3:20"]);
    expect(brief(loaded, "plugins/sinks/crm.yaml").every((line) => line.startsWith("error HK1012"))).toBe(true);
  });
});
