import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CliRun, runCommand } from "../support/cli.ts";

const config = `
# who is who
teams: { ops: {} }
sources:
  stripe: { provider: stripe, path: /hooks/stripe, root: data.object, times: seconds, secrets: ["\${WHSEC}"] }
entities:
  customer: { attributes: { owed: { type: integer, owner: ops, protected: true } } }
connections: { out: { sink: file, path: out.ndjson } }
seed: none
`;

const pipeline = (from = "amount_refunded", more = "") => `
pipeline: owed
owner: ops        # all of us
source: stripe
contract: v1
${more}rules:
  - on: charge.refunded
    write: { customer: { key: customer, fields: { owed: { from: ${from}, missing: reject } } } }
deliver: [{ to: out, entity: customer }]
`;

const contract = `
contract: v1
provider: stripe
schema:
  charge.refunded:
    properties:
      data: { properties: { object: { properties: { customer: { type: string }, amount_refunded: { type: integer } } } } }
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hookrail-check-verb-"));
  mkdirSync(join(root, "pipelines/contracts/stripe"), { recursive: true });
  write("config.yaml", config);
  write("pipelines/owed.yaml", pipeline());
  write("pipelines/contracts/stripe/v1.yaml", contract);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text: string) => writeFileSync(join(root, path), text);
const read = (path: string) => readFileSync(join(root, path), "utf8");
const run = (...argv: string[]): Promise<CliRun> =>
  runCommand(root, ["check", ...argv], { env: { WHSEC: "whsec_dGVzdA==" } });

describe("hookrail check", () => {
  test("knows the types of a contract, and says where the right name is", async () => {
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining("no errors in ") });
    write("pipelines/owed.yaml", pipeline("amount_refnded"));
    const { code, stdout } = await run();
    expect(code).toBe(1);
    expect(stdout).toContain("error[HK2040]: there is no `amount_refnded` in the contract stripe/v1\n");
    expect(stdout).toContain(" --> pipelines/owed.yaml:8:65\n");
    expect(stdout).toContain("1 can be fixed: hookrail check --fix --dry-run\n");
  });

  test("tells of a runbook that is not there, and --strict makes it a failure", async () => {
    write("pipelines/owed.yaml", pipeline("amount_refunded", "runbook: docs/owed.md\n"));
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringContaining("warning[HK1243]") });
    expect((await run("--strict")).code).toBe(1);
    mkdirSync(join(root, "docs"));
    write("docs/owed.md", "# Owed\n");
    expect((await run("--strict")).code).toBe(0);
  });
});

describe("hookrail check --fix", () => {
  const broken = () =>
    write(
      "pipelines/owed.yaml",
      pipeline("amount_refnded").replace("owner: ops ", "ownr:  ops ").replace("source: stripe", "source: strype"),
    );

  test("writes names that were surely meant, and keeps comments, layout and mode", async () => {
    broken();
    const { code, stdout, stderr } = await run("--fix");
    expect(stderr).toContain("-ownr:  ops        # all of us\n+owner:  ops        # all of us\n");
    expect(stderr).toContain("1 file changed\n");
    expect(stdout).toContain("no errors");
    expect(code).toBe(0);
    expect(read("pipelines/owed.yaml")).toBe(pipeline().replace("owner: ops ", "owner:  ops "));
    expect(readdirSync(join(root, "pipelines")).sort()).toEqual(["contracts", "owed.yaml"]);
  });

  test("with --dry-run shows the same patch, and writes nothing", async () => {
    broken();
    const before = read("pipelines/owed.yaml");
    const at = statSync(join(root, "pipelines/owed.yaml")).mtimeMs;
    const { code, stderr } = await run("--fix", "--dry-run");
    expect(stderr).toContain("+++ b/pipelines/owed.yaml\n");
    expect(stderr).toContain("1 file would be changed; nothing was written\n");
    expect(code).toBe(1);
    expect(read("pipelines/owed.yaml")).toBe(before);
    expect(statSync(join(root, "pipelines/owed.yaml")).mtimeMs).toBe(at);
  });

  test("quotes an expression that YAML took apart, and finds what that uncovers", async () => {
    const rule = `
pipeline: owed
owner: opps
source: stripe
rules:
  - on: charge.refunded
    when: amount_refunded > 5 ? true : false
    write: { customer: { key: customer, fields: { owed: amount_refunded } } }
deliver: [{ to: out, entity: customer }]
`;
    write("pipelines/owed.yaml", rule);
    expect((await run("--fix")).code).toBe(0);
    expect(read("pipelines/owed.yaml")).toBe(
      rule.replace("opps", "ops").replace("amount_refunded > 5 ? true : false", "'amount_refunded > 5 ? true : false'"),
    );
  });

  test("guesses nothing: two names as near, and a name that is not near, stay", async () => {
    write("config.yaml", config.replace("{ ops: {} }", "{ ops: {}, opt: {} }"));
    write("pipelines/owed.yaml", pipeline().replace("owner: ops", "owner: opz").replace("stripe\n", "paypal\n"));
    const { code, stderr } = await run("--fix");
    expect(stderr).toBe("nothing can be fixed safely\n");
    expect(code).toBe(1);
  });

  test("shows no credential that stands on a line it changes", async () => {
    write("config.yaml", config.replace('secrets: ["${WHSEC}"]', "secets: [whsec_c2VjcmV0c2VjcmV0]"));
    const { stderr } = await run("--fix", "--dry-run");
    expect(stderr).toContain("+  stripe: {");
    expect(stderr).toContain("secrets: [");
    expect(stderr).not.toContain("c2VjcmV0c2VjcmV0");
  });
});

describe("the formats of check", () => {
  beforeEach(() => write("pipelines/owed.yaml", pipeline("amount_refnded")));

  test("sarif: one run, a rule for each code, a region for each result", async () => {
    const { code, stdout } = await run("--format", "sarif");
    expect(code).toBe(1);
    const log = JSON.parse(stdout);
    expect(log).toMatchObject({ version: "2.1.0", runs: [{ tool: { driver: { name: "hookrail" } } }] });
    const [{ results, tool }] = log.runs;
    expect(tool.driver.rules[results[0].ruleIndex].id).toBe("HK2040");
    expect(results).toMatchObject([
      {
        ruleId: "HK2040",
        level: "error",
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: "pipelines/owed.yaml" },
              region: { startLine: 8, startColumn: 65, endLine: 8, endColumn: 79 },
            },
          },
        ],
      },
    ]);
  });

  test("github: one command a finding, with what would end it escaped", async () => {
    const { stdout } = await run("--format", "github");
    expect(stdout).toBe(
      "::error file=pipelines/owed.yaml,line=8,endLine=8,col=65,endColumn=79,title=HK2040%3A A path that is not there::there is no `amount_refnded` in the contract stripe/v1%0Adid you mean `amount_refunded`?\n",
    );
  });

  test("json says what would be fixed; another format is a fault of usage", async () => {
    const { stdout } = await run("--json");
    expect(JSON.parse(stdout)).toMatchObject({
      diagnostics: [{ code: "HK2040", fix: { text: "amount_refunded", line: 8 } }],
    });
    expect((await run("--format", "xml")).code).toBe(64);
  });
});

describe("checks of one's own", () => {
  const own = (require: string, more = "") => `${config}checks:
  short:
    of: pipelines.*
    require: ${require}
    message: "{name}: one rule is enough"
${more}`;

  test("point at what they are asked of, by their severity", async () => {
    write("config.yaml", own("$count(rules) = 0"));
    const { code, stdout } = await run();
    expect(stdout).toContain("warning[HK8110]: owed: one rule is enough\n");
    expect(stdout).toContain("pipelines/owed.yaml:2:11\n");
    expect(code).toBe(0);
    write("config.yaml", own("$count(rules) = 0", "    severity: error\n"));
    expect((await run()).code).toBe(1);
    write("config.yaml", own("$count(rules) = 1", "    severity: error\n"));
    expect((await run()).code).toBe(0);
  });

  test("that answer neither true nor false are an error", async () => {
    write("config.yaml", own("sla.lag"));
    const { code, stdout } = await run();
    expect(stdout).toContain("error[HK8111]: check `short` of `owed` gives nothing in place of true or false\n");
    expect(code).toBe(1);
  });

  test("see references as they are written, and never what they stand for", async () => {
    const sources = own("$contains($config.sources.stripe.secrets[0], 'dGVzdA')", "").replace(
      "pipelines.*",
      "sources.*",
    );
    write("config.yaml", sources);
    expect((await run()).stdout).toContain("warning[HK8110]: stripe: one rule is enough\n");
    write("config.yaml", sources.replace("'dGVzdA'", "'WHSEC'"));
    expect((await run()).stdout).toContain("no errors");
  });
});

describe("hookrail check --online", () => {
  const withSink = (url: string) =>
    write(
      "config.yaml",
      config.replace(
        "out: { sink: file, path: out.ndjson }",
        `out: { sink: file, path: out.ndjson }, crm: { sink: http, url: "${url}", allow_private: true }`,
      ),
    );

  test("reaches a sink that is there with a connection alone, and names one that is not", async () => {
    const heard: string[] = [];
    const server = createServer((socket) => socket.on("data", (data) => void heard.push(String(data))));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    withSink(`http://127.0.0.1:${port}/in`);
    const there = await run("--online");
    expect(there.stdout).not.toContain("HK8112");
    expect(heard).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
    const gone = await run("--online");
    expect(gone.stdout).toContain("error[HK8112]: connection `crm` does not answer: the connection is refused\n");
    expect(gone.code).toBe(1);
    expect((await run()).code).toBe(0);
  });
});

describe("check --without-secrets", () => {
  const bare = (...argv: string[]) => runCommand(root, ["check", ...argv], { env: {} });

  test("checks all else, and lists what is not set; without it each is an error", async () => {
    const asked = config
      .replace("seed:", "env_file: .env\nseed:")
      .replace('["${WHSEC}"]', '["${WHSEC}", "${file:/run/secrets/none}"]');
    writeFileSync(join(root, "config.yaml"), asked);
    writeFileSync(join(root, ".env"), "");
    const strict = await bare();
    expect(strict.code).toBe(1);
    expect(strict.stdout).toMatch(/HK1020[\s\S]*HK1023/);
    const { code, stdout, stderr } = await bare("--without-secrets", "--strict");
    expect([code, stderr]).toEqual([0, "not set here, and stood in for: WHSEC, file:/run/secrets/none\n"]);
    expect(stdout).toContain("no errors");
    // The env file that git does not take is not there either.
    rmSync(join(root, ".env"));
    expect(await bare("--without-secrets", "--strict")).toMatchObject({ code: 0 });
  });

  test("still tells what is wrong, and asks no sink", async () => {
    writeFileSync(join(root, "pipelines/owed.yaml"), pipeline("amount_refundde"));
    const { code, stdout } = await bare("--without-secrets");
    expect([code, stdout]).toEqual([1, expect.stringContaining("[HK2040]")]);
    expect(stdout).not.toContain("HK1020");
    expect(await bare("--without-secrets", "--online")).toMatchObject({ code: 64 });
  });
});
