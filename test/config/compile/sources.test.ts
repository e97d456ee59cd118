import { beforeAll, describe, expect, it } from "vitest";
import { baseConfig, brief, type Check, createCheck, pipelineOf, testEnv } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

const DAY = 86_400_000;
const withSource = (text: string) =>
  check({ "config.yaml": baseConfig.replace(/ {2}stripe: .*\n/, `  stripe: ${text}\n`) });
const source = (text: string) => withSource(text).revision?.sources.get("stripe");

describe("sources", () => {
  it("have the defaults of the design", () => {
    expect(source('{ provider: stripe, path: /h, secrets: ["${STRIPE_WHSEC}"] }')).toMatchObject({
      hashWindowMs: 600_000,
      maxAheadMs: DAY,
      dedupeWindowMs: expect.any(Number),
      enabled: true,
      keepHeaders: [],
    });
    expect(
      source('{ provider: stripe, path: /h, secrets: ["${STRIPE_WHSEC}"] }')?.dedupeWindowMs,
    ).toBeGreaterThanOrEqual(7 * DAY);
  });

  it("take what the author says over the recipe", () => {
    const text =
      '{ provider: stripe, path: /h, root: a.b, times: iso, max_body: 64KiB, max_ahead: 1m, dedupe: { window: 30d, hash_window: 1h }, keep_headers: [X-Region], enabled: false, secrets: ["${STRIPE_WHSEC}"] }';
    expect(source(text)).toMatchObject({
      root: "a.b",
      times: "iso",
      maxBodyBytes: 65536,
      maxAheadMs: 60_000,
      dedupeWindowMs: 30 * DAY,
      hashWindowMs: 3_600_000,
      keepHeaders: ["x-region"],
      enabled: false,
    });
  });

  it("have several secrets while rotating, each with its time", () => {
    const secrets = source(
      '{ provider: stripe, path: /h, secrets: ["${STRIPE_WHSEC}", { secret: "${STRIPE_WHSEC_OLD}", until: 2027-01-31, not_before: "2026-01-01T00:00:00Z" }] }',
    )?.secrets;
    expect(secrets?.map((secret) => [secret.index, secret.value.reveal(), secret.until, secret.notBefore])).toEqual([
      [1, "whsec_current", undefined, undefined],
      [2, "whsec_old", Date.UTC(2027, 0, 31), Date.UTC(2026, 0, 1)],
    ]);
  });

  it("may be written inline, for a sender that is home-made", () => {
    const pipeline = pipelineOf().replace(
      "source: stripe",
      'source: { path: /hooks/own, signature: { scheme: hmac, header: x-signature, prefix: "sha256=" }, id: "body:id", type: "body:type", secrets: ["${STRIPE_WHSEC}"] }',
    );
    const loaded = check({ "config.yaml": baseConfig, "pipelines/a.yaml": pipeline });
    expect(brief(loaded)).toEqual([]);
    expect(loaded.revision?.pipelines[0]?.source).toMatchObject({
      name: "paid",
      path: "/hooks/own",
      maxAheadMs: 300_000,
    });
    expect([...(loaded.revision?.sources.keys() ?? [])]).toEqual(["stripe", "paid"]);
  });

  it("point at the fault in an inline signature", () => {
    const pipeline = pipelineOf().replace(
      "source: stripe",
      'source: { path: /hooks/own, signature: { scheme: hmac, header: x-signature }, id: "bdy:id", secrets: ["${STRIPE_WHSEC}"] }',
    );
    const [fault] = check({ "config.yaml": baseConfig, "pipelines/a.yaml": pipeline }).diagnostics;
    expect(fault).toMatchObject({ severity: "error", span: { file: "pipelines/a.yaml", line: 3, column: 83 } });
  });

  it("share one path only under one name", () => {
    const pipeline = pipelineOf().replace(
      "source: stripe",
      'source: { path: /hooks/stripe, provider: stripe, secrets: ["${STRIPE_WHSEC}"] }',
    );
    expect(brief(check({ "config.yaml": baseConfig, "pipelines/a.yaml": pipeline }))).toEqual(["error HK1060 3:17"]);
  });

  it("refuse a date that does not exist", () => {
    expect(
      brief(withSource('{ provider: stripe, path: /h, secrets: [{ secret: "${STRIPE_WHSEC}", until: 2027-02-30 }] }')),
    ).toEqual(["error HK1014 5:87"]);
  });
});

describe("connections", () => {
  it("get their secrets wrapped, as their sink's schema marks them", () => {
    const { revision } = check({
      "config.yaml": baseConfig.replace(
        "connections:\n",
        'connections:\n  slack: { sink: slack, token: "${SLACK_TOKEN}", rate: 1/s }\n',
      ),
    });
    const slack = revision?.connections.get("slack");
    expect(`${slack?.settings["token"]}`).toBe("[secret]");
    expect(slack?.rates).toEqual([{ count: 1, perMs: 1000 }]);
    expect(JSON.stringify(slack?.settings)).not.toContain(testEnv.SLACK_TOKEN);
  });

  it("write no file outside of the config's folder", () => {
    const path = (text: string) =>
      brief(check({ "config.yaml": baseConfig.replace("sink: file, path: ./out.ndjson", text) }));
    expect(path("sink: file, path: ../out.ndjson")).toEqual(["error HK1006 24:28"]);
    expect(path("sink: sql, url: sqlite:../crm.db")).toEqual(["error HK1006 24:26"]);
    expect(path("sink: sql, url: sqlite:./data/../crm.db")).toEqual([]);
    expect(path('sink: sql, url: "postgres://u@db/crm"')).toEqual([]);
  });

  it("take only the settings of their sink", () => {
    const loaded = check({ "config.yaml": baseConfig.replace("path: ./out.ndjson", "pth: ./out.ndjson") });
    expect(brief(loaded)).toEqual(["error HK1012 24:3", "error HK1010 24:22"]);
  });
});
