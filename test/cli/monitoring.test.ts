import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { grafanaDashboard } from "../../engine/cli/monitoring/dashboard.ts";
import { prometheusRules } from "../../engine/cli/monitoring/rules.ts";
import type { Revision } from "../../engine/config/revision.ts";
import { METRICS } from "../../engine/metrics/definitions.ts";
import { revisionOf } from "../support/revision.ts";

const known = new Map(Object.values(METRICS).map((one) => [one.name as string, one.labels as readonly string[]]));
/** What Prometheus adds, and what a histogram is made of. */
const baseOf = (name: string) => name.replace(/_(bucket|count|sum)$/, "");

/** Names of metrics and their labels in an expression that no definition has. */
function unknownIn(expr: string): string[] {
  const bad: string[] = [];
  for (const [, name = "", selector = ""] of expr.matchAll(/\b(hookrail_[a-z_]+)(?:\{([^}]*)\})?/g)) {
    const labels = known.get(name) ?? known.get(baseOf(name));
    if (labels === undefined) bad.push(name);
    for (const [, label = ""] of selector.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g))
      if (labels !== undefined && ![...labels, "le"].includes(label)) bad.push(`${name}{${label}}`);
  }
  return bad;
}

/** Labels that a sum is split by, or a legend shows, and no metric of the expression has. */
function unsplittable(expr: string, legend = ""): string[] {
  const labels = [...expr.matchAll(/\b(hookrail_[a-z_]+)/g)].flatMap(([, name = ""]) => [
    ...(known.get(name) ?? known.get(baseOf(name)) ?? []),
  ]);
  const split = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) =>
    list.split(",").map((one) => one.trim()),
  );
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = ""]) => label);
  // What a sum drops can not be shown.
  const lost = split.length === 0 ? [] : shown.filter((label) => !split.includes(label));
  return [...[...split, ...shown].filter((label) => ![...labels, "le"].includes(label)), ...lost];
}

/** What a query comes to, by the names of what it asks. */
function unitOf(expr: string): string {
  if (/\) \/ /.test(expr) || /_ratio\b/.test(expr)) return "percentunit";
  if (/histogram_quantile|_seconds\b(?!_total)/.test(expr)) return "s";
  if (/_bytes\b/.test(expr)) return "bytes";
  if (/\brate\(/.test(expr)) return "ops";
  return "short";
}

/** Keys of a mapping that Prometheus does not know: it refuses the whole file for one. */
function strangeKeys(value: object, allowed: readonly string[]): string[] {
  return Object.keys(value).filter((key) => !allowed.includes(key));
}

/** Brackets and quotes close. */
function isBalanced(expr: string): boolean {
  const open: string[] = [];
  for (const char of expr.replace(/"[^"]*"/g, "")) {
    if ("([{".includes(char)) open.push(char);
    if (")]}".includes(char) && "([{"[")]}".indexOf(char)] !== open.pop()) return false;
  }
  return open.length === 0 && (expr.match(/"/g)?.length ?? 0) % 2 === 0;
}

let revision: Revision;
beforeAll(async () => {
  revision = await revisionOf(
    {
      "config.yaml": `
teams: { ops: {}, finance: {} }
sources:
  shop: { path: /hooks/shop, provider: stripe, secrets: ["\${SECRET}"] }
entities: { account: { attributes: { name: { type: string, owner: ops } } } }
connections: { out: { sink: file, path: ./out.ndjson } }
`,
      "pipelines/paid.yaml": `
pipeline: paid
owner: ops
runbook: https://runbooks.example.com/paid
sla: { lag: 60s, objective: 99.9% }
source: shop
rules: [{ on: invoice.paid, write: { account: { key: customer, fields: { name: name } } } }]
deliver: [{ to: out }]
`,
    },
    { env: { SECRET: "whsec_x" } },
  );
});

interface Rules {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly record?: string;
      readonly alert?: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    }[];
  }[];
}

describe("rules for Prometheus", () => {
  const rules = () => parse(prometheusRules(revision)) as Rules;
  const all = () => rules().groups.flatMap((group) => group.rules);

  it("are a rules file whose expressions name metrics and labels that there are", () => {
    expect(rules().groups.map(({ name }) => name)).toEqual(["hookrail-slo", "hookrail-budgets", "hookrail-health"]);
    for (const rule of all()) {
      expect([rule.expr, unknownIn(rule.expr), isBalanced(rule.expr)]).toEqual([rule.expr, [], true]);
      expect((rule.record === undefined) !== (rule.alert === undefined)).toBe(true);
      expect(rule.record ?? rule.alert).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+(ms|s|m|h|d)$/);
      if (rule.alert !== undefined) expect(rule.annotations?.["summary"]).toBeTruthy();
    }
  });

  it("hold nothing that Prometheus would refuse the file for", () => {
    expect(strangeKeys(rules(), ["groups"])).toEqual([]);
    for (const group of rules().groups) {
      expect(strangeKeys(group, ["name", "interval", "rules"])).toEqual([]);
      expect(new Set(rules().groups.map(({ name }) => name)).size).toBe(rules().groups.length);
      expect(group.rules.length).toBeGreaterThan(0);
      for (const rule of group.rules) {
        const keys =
          rule.alert === undefined ? ["record", "expr", "labels"] : ["alert", "expr", "for", "labels", "annotations"];
        expect([rule.alert, strangeKeys(rule, keys)]).toEqual([rule.alert, []]);
        expect(unsplittable(rule.expr)).toEqual([]);
        for (const [name, value] of [...Object.entries(rule.labels ?? {}), ...Object.entries(rule.annotations ?? {})]) {
          expect(name).toMatch(/^[a-zA-Z_][a-zA-Z0-9_]*$/);
          expect([name, typeof value]).toEqual([name, "string"]);
          // Templates close, and name labels that the expression keeps.
          expect(value.match(/\{\{/g)?.length ?? 0).toBe(value.match(/\}\}/g)?.length ?? 0);
        }
      }
    }
    // One series from one rule: two that record the same with the same labels overwrite each other.
    const recorded = all().flatMap(({ record, labels }) =>
      record === undefined ? [] : [JSON.stringify([record, labels])],
    );
    expect(new Set(recorded).size).toBe(recorded.length);
  });

  it("say the promise of each pipeline, by the windows of the engine", () => {
    const burns = all().filter(({ alert }) => alert === "HookrailBudgetBurn");
    expect(burns.map(({ labels }) => [labels?.["severity"], labels?.["window"]])).toEqual([
      ["page", "1h"],
      ["page", "6h"],
      ["alert", "1d"],
      ["alert", "3d"],
    ]);
    // 14.4 times one in a thousand.
    expect(burns[0]?.expr).toContain('hookrail:slo_late:ratio_rate1h{pipeline="paid"} > 0.0144 and');
    expect(burns[0]?.labels).toMatchObject({ pipeline: "paid", owner: "ops" });
    expect(burns[0]?.annotations?.["runbook_url"]).toBe("https://runbooks.example.com/paid");
    // Each recorded series that is used is recorded.
    const recorded = new Set(all().map(({ record }) => record));
    for (const { expr } of burns)
      for (const [name] of expr.matchAll(/hookrail:[\w:]+/g)) expect([name, recorded.has(name)]).toEqual([name, true]);
  });
});

describe("the dashboard for Grafana", () => {
  const dashboard = () => JSON.parse(grafanaDashboard());

  it("asks only for metrics and labels that there are", () => {
    const exprs = dashboard().panels.flatMap((panel: { targets: { expr: string }[] }) =>
      panel.targets.map(({ expr }) => expr),
    );
    expect(exprs.length).toBeGreaterThan(12);
    for (const expr of exprs) expect([expr, unknownIn(expr), isBalanced(expr)]).toEqual([expr, [], true]);
  });

  it("shows labels that its queries keep, in the unit of what they ask", () => {
    const panels = dashboard().panels as {
      title: string;
      targets: { expr: string; legendFormat?: string }[];
      fieldConfig: { defaults: { unit?: string } };
    }[];
    for (const { title, targets, fieldConfig } of panels)
      for (const { expr, legendFormat } of targets) {
        expect([title, unsplittable(expr, legendFormat)]).toEqual([title, []]);
        expect([title, fieldConfig.defaults.unit]).toEqual([title, unitOf(expr)]);
      }
  });

  it("has panels that lie beside and below each other, each with an id of its own", () => {
    const panels = dashboard().panels as {
      id: number;
      title: string;
      gridPos: { x: number; y: number; w: number; h: number };
    }[];
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      expect(x + w).toBeLessThanOrEqual(24);
      return Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });
});

it("an expression with a name that is none is found", () => {
  expect(unknownIn('rate(hookrail_no_such_total{pipeline="a"}[5m])')).toEqual(["hookrail_no_such_total"]);
  expect(unsplittable("sum by (connection) (hookrail_dead_letters)", "{{pipeline}}")).toEqual([
    "connection",
    "pipeline",
  ]);
  expect(strangeKeys({ alert: "A", expr: "1", severity: "page" }, ["alert", "expr"])).toEqual(["severity"]);
  expect(unknownIn('hookrail_dead_letters{connection="a"}')).toEqual(["hookrail_dead_letters{connection}"]);
});
