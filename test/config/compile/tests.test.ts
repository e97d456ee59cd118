import { beforeAll, describe, expect, it } from "vitest";
import { baseConfig, brief, type Check, createCheck, pipelineOf } from "../support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck();
});

const load = (tests: string) =>
  check({ "config.yaml": baseConfig, "pipelines/a.yaml": pipelineOf({ rest: `tests:\n${tests}` }) });
const events = (list: string) => load(`  - name: t\n    events: ${list}\n    expect: { exact: true }\n`);
const compiled = (list: string) => events(list).revision?.pipelines[0]?.tests[0]?.events;

describe("test events", () => {
  it("start from a sample of the pipeline's own provider", () => {
    expect(compiled("[invoice.paid]")).toMatchObject([
      { source: "stripe", payload: { kind: "sample", name: "invoice.paid" }, times: 1, delayMs: 0, signature: "valid" },
    ]);
  });

  it("may name the provider", () => {
    expect(compiled("[stripe/invoice.paid]")?.[0]?.payload).toEqual({ kind: "sample", name: "invoice.paid" });
  });

  it("have times from the start or as instants, in ms", () => {
    expect(
      compiled(
        "[{ sample: invoice.paid, at: +1m }, { sample: invoice.paid, at: -30s, delay: 10d }, { sample: invoice.paid, at: 2026-12-04T00:00:00Z }]",
      )?.map(({ at, delayMs }) => [at, delayMs]),
    ).toEqual([
      [{ offsetMs: 60_000 }, 0],
      [{ offsetMs: -30_000 }, 864_000_000],
      [{ instant: Date.UTC(2026, 11, 4) }, 0],
    ]);
  });

  it("may be recorded files or whole bodies", () => {
    expect(
      compiled("[{ file: recorded/a.yaml }, { body: { id: 1 }, type: x }]")?.map((event) => event.payload),
    ).toEqual([
      { kind: "file", path: "recorded/a.yaml" },
      { kind: "body", body: { id: 1 }, type: "x" },
    ]);
  });

  it("start from exactly one thing", () => {
    expect(brief(events("[{ at: +1m }, { sample: invoice.paid, body: {} }]"))).toEqual([
      "error HK1016 12:14",
      "error HK1016 12:27",
    ]);
  });
});

describe("expectations", () => {
  it("are kept by entity and key, as written", () => {
    const { revision } = load(
      "  - name: t\n    events: [invoice.paid]\n    expect: { customer: { 0123: { note: null }, cus_2: absent }, sent: { upsert: 1 }, outcomes: [delivered] }\n",
    );
    expect(revision?.pipelines[0]?.tests[0]?.expect).toEqual({
      entities: { customer: { "0123": { note: null }, cus_2: "absent" } },
      sent: { upsert: 1 },
      outcomes: ["delivered"],
      exact: false,
    });
  });

  it("are as strict as the rest: a misspelt name is an error", () => {
    const loaded = load(
      "  - name: t\n    events: [invoice.paid]\n    expect: { custmer: {}, customer: { a: { nte: x } }, sent: { upsrt: 0 }, outcomes: [delivered, dead], refusd: [] }\n    odrer: any\n",
    );
    expect(brief(loaded).map((line) => line.split(" ")[1])).toEqual([
      "HK1041",
      "HK1042",
      "HK1056",
      "HK1013",
      "HK1041",
      "HK1011",
      "HK1010",
    ]);
  });

  it("say what a sink answers", () => {
    const { revision } = load(
      "  - name: t\n    events: [invoice.paid]\n    sinks: { out: [503, timeout, { status: 429, headers: { retry-after: '1' } }] }\n    expect: { exact: true }\n",
    );
    expect(revision?.pipelines[0]?.tests[0]?.sinks["out"]).toEqual([
      { kind: "status", status: 503, headers: {} },
      { kind: "timeout" },
      { kind: "status", status: 429, headers: { "retry-after": "1" } },
    ]);
  });

  it("have names that tell them apart", () => {
    const one = "  - name: t\n    events: [invoice.paid]\n    expect: { exact: true }\n";
    expect(brief(load(one + one))).toEqual(["error HK1061 14:11"]);
  });
});
