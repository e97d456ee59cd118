/** Reads the text format of Prometheus 0.0.4, and refuses what a scraper may refuse. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"] };

/** By name of the family. Throws with the line that is wrong. */
export function parseMetrics(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current = "";
  let help: string | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, keyword, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === "HELP") {
      if (!NAME.test(name) || families.has(name)) throw new Error(`twice, or no name: ${line}`);
      current = name;
      help = rest;
    } else if (keyword === "TYPE") {
      if (name !== current || help === undefined || !/^(counter|gauge|histogram)$/.test(rest)) throw new Error(line);
      families.set(name, { type: rest, help, samples: [] });
      help = undefined;
    } else {
      const sample = readSample(line);
      const family = families.get(current);
      const suffixes = SUFFIXES[family?.type ?? ""] ?? [""];
      if (family === undefined || !suffixes.some((suffix) => sample.name === current + suffix))
        throw new Error(`a sample outside its family: ${line}`);
      const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(series)) throw new Error(`the same series twice: ${line}`);
      seen.add(series);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family.samples);
  return families;
}

function readSample(line: string): Sample {
  const [, name, inside = "", value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || value === undefined || !NUMBER.test(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const [, label, text] = LABEL.exec(inside) ?? [];
    if (label === undefined || text === undefined || label in labels) throw new Error(`labels: ${line}`);
    labels[label] = text.replace(/\\(.)/g, (_all, one: string) => (one === "n" ? "\n" : one));
  }
  return { name, labels, value: value.endsWith("Inf") ? Number(`${value}inity`) : Number(value) };
}

/** Buckets only grow, and the last one holds all. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const last = new Map<string, { le: number; value: number }>();
  for (const { labels, value } of samples.filter((one) => one.name === `${name}_bucket`)) {
    const { le = "", ...rest } = labels;
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    const key = JSON.stringify(rest);
    const before = last.get(key);
    if (before !== undefined && (bound <= before.le || value < before.value)) throw new Error(`buckets of ${name}`);
    last.set(key, { le: bound, value });
  }
  for (const { labels, value } of samples.filter((one) => one.name === `${name}_count`))
    if (
      last.get(JSON.stringify(labels))?.le !== Number.POSITIVE_INFINITY ||
      last.get(JSON.stringify(labels))?.value !== value
    )
      throw new Error(`the last bucket of ${name} is not its count`);
}

/** The value of one series; 0 where there is none would hide a wrong label: undefined. */
export function seriesValue(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const family = families.get(name.replace(/_(bucket|sum|count)$/, "")) ?? families.get(name);
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return family?.samples.find(
    (one) => one.name === name && JSON.stringify(Object.entries(one.labels).sort()) === wanted,
  )?.value;
}
