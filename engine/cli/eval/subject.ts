/** What an expression is evaluated on: a sample, a stored event, a file or lines of standard input, and the rule around it. */
import { readFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import type { PipelineModel, Revision, SourceModel } from "../../config/revision.ts";
import { fail } from "../../core/errors.ts";
import type { Evaluator, Scope } from "../../core/expression.ts";
import { parseJson } from "../../core/json.ts";
import { didYouMean } from "../../core/suggest.ts";
import type { Json } from "../../core/types.ts";
import { isJsonObject } from "../../core/values.ts";
import { readPayload } from "../../flow/payload.ts";
import { matchesType } from "../../mapping/event-type.ts";
import { letValue } from "../../mapping/map.ts";
import type { RuleModel } from "../../mapping/model.ts";
import { parsePayload } from "../../provider/parse.ts";
import { renderSample } from "../../provider/sample.ts";
import type { Cli } from "../context.ts";
import type { Installation } from "../installation.ts";
import { findSample, parseSet } from "../send.ts";
import { withReader } from "../stored.ts";
import type { Input } from "../verb.ts";

/** One payload, before any rule is looked at. */
export interface Payload {
  /** As output names it: `stripe/invoice.paid`, an event's id, `line 3`. */
  readonly label: string;
  readonly whole: Json;
  readonly source: SourceModel | undefined;
  /** Its type, where it is known. */
  readonly type: string | undefined;
  readonly receivedAt: number;
  /** It came from a sender: what feeds sensitive attributes is not shown. */
  readonly stored: boolean;
  /** How a test would name it; absent: it can not be saved. */
  readonly asTest?: Json;
}

export interface Subject {
  readonly payload: Payload;
  readonly pipeline: PipelineModel | undefined;
  readonly rule: RuleModel | undefined;
  readonly scope: Scope;
  /** What may be read as `$name`. */
  readonly variables: readonly string[];
  /** `item 1 of 3`, with `each:`. */
  readonly item?: string;
}

interface Finding {
  readonly cli: Cli;
  readonly installation: Installation;
  readonly revision: Revision;
}

/** The payload that options name; undefined: none. */
export async function findPayload(finding: Finding, options: Input["options"]): Promise<Payload | undefined> {
  if (typeof options["sample"] === "string") return fromSample(finding, options["sample"], options);
  if (typeof options["event"] === "string") return fromEvent(finding, options["event"]);
  if (typeof options["file"] === "string") return fromFile(finding, options["file"], options);
  return undefined;
}

const list = (option: unknown): readonly string[] => (Array.isArray(option) ? option.map(String) : []);

function fromSample({ cli, revision }: Finding, name: string, options: Input["options"]): Payload {
  const { source, sample } = findSample(revision, name, pipelineOf(revision, options)?.source.name);
  const set = Object.fromEntries(list(options["set"]).map(parseSet));
  const remove = list(options["remove"]);
  const { headers, body } = renderSample(source.recipe, sample, { root: source.root, set, remove });
  const parsed = parsePayload(source.recipe, { contentType: headers["content-type"] ?? "", body, itemIndex: 0 });
  if (!parsed.ok) return fail("HK8155", { what: `sample ${name}`, problem: parsed.message });
  const changed = Object.keys(set).length > 0 || remove.length > 0;
  return {
    label: `${source.provider}/${sample.name}`,
    whole: parsed.value,
    source,
    type: sample.name,
    receivedAt: cli.clock.now(),
    stored: false,
    asTest: changed
      ? {
          sample: sample.name,
          ...(Object.keys(set).length > 0 ? { set } : {}),
          ...(remove.length > 0 ? { remove } : {}),
        }
      : sample.name,
  };
}

async function fromEvent({ installation, revision }: Finding, id: string): Promise<Payload> {
  const story = await withReader(installation, (reader) => reader.story(id));
  if (story === undefined) return fail("HK8155", { what: `event ${id}`, problem: "nothing of that id is stored" });
  const { event } = story;
  const source =
    revision.sources.get(event.source) ??
    revision.pipelines.find((pipeline) => pipeline.source.name === event.source)?.source;
  if (source === undefined)
    return fail("HK8155", { what: `event ${id}`, problem: `the config has no source ${event.source} any more` });
  if (event.body.byteLength === 0)
    return fail("HK8155", {
      what: `event ${id}`,
      problem: "its body is gone; `retention.bodies` says for how long it is kept",
    });
  const payload = readPayload(event, source);
  if (!payload.ok) return fail("HK8155", { what: `event ${id}`, problem: payload.message });
  return {
    label: event.id,
    whole: payload.whole,
    source,
    type: event.type,
    receivedAt: event.receivedAt,
    stored: true,
  };
}

function fromFile({ cli, installation, revision }: Finding, file: string, options: Input["options"]): Payload {
  const path = resolve(cli.cwd, file);
  const parsed = parseJson(readBytes(path, file));
  if (!parsed.ok) return fail("HK8155", { what: file, problem: parsed.message });
  const recorded =
    isJsonObject(parsed.value) && isJsonObject(parsed.value["headers"]) && parsed.value["body"] !== undefined;
  const inside = relative(installation.root, path).replaceAll("\\", "/");
  return {
    label: file,
    whole: recorded && isJsonObject(parsed.value) ? (parsed.value["body"] ?? null) : parsed.value,
    source: pipelineOf(revision, options)?.source,
    type: undefined,
    receivedAt: cli.clock.now(),
    stored: false,
    ...(recorded && !inside.startsWith("..") ? { asTest: { file: inside } } : {}),
  };
}

function readBytes(path: string, shown: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return fail("HK8155", { what: shown, problem: "it is not there, or not readable" });
  }
}

/** One payload a line; empty lines are none. */
export function payloadsOfLines(text: string, finding: Finding, options: Input["options"]): readonly Payload[] {
  const source = pipelineOf(finding.revision, options)?.source;
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    const parsed = parseJson(Buffer.from(line));
    const label = `line ${index + 1}`;
    if (!parsed.ok) return fail("HK8155", { what: label, problem: parsed.message });
    const receivedAt = finding.cli.clock.now();
    return [{ label, whole: parsed.value, source, type: undefined, receivedAt, stored: false }];
  });
}

/** `--pipeline`. */
export function pipelineOf(revision: Revision, options: Input["options"]): PipelineModel | undefined {
  const name = options["pipeline"];
  if (typeof name !== "string") return undefined;
  const found = revision.pipelines.find((pipeline) => pipeline.name === name);
  if (found !== undefined) return found;
  const hint = didYouMean(
    name,
    revision.pipelines.map((pipeline) => pipeline.name),
  );
  return fail("HK8153", { pipeline: name }, hint === undefined ? {} : { hint });
}

/** Puts a payload into the place an expression has in a rule: below the root, with the names it may read. */
export async function placeSubject(
  payload: Payload,
  context: { readonly revision: Revision; readonly options: Input["options"]; readonly evaluator: Evaluator },
): Promise<Subject> {
  const pipeline = pipelineOf(context.revision, context.options);
  const rule = pipeline === undefined ? undefined : ruleOf(pipeline, payload.type, context.options["rule"]);
  let scope: Scope = {
    input: below(payload.whole, payload.source?.root ?? ""),
    variables: { event: payload.whole },
    receivedAt: payload.receivedAt,
  };
  let item: string | undefined;
  const bind = (name: string, value: Json | undefined) => {
    scope = { ...scope, variables: { ...scope.variables, [name]: value } };
  };
  if (rule?.each !== undefined) {
    const result = await context.evaluator.evaluate(rule.each.list, scope);
    const items =
      !result.ok || result.value === undefined ? [] : Array.isArray(result.value) ? result.value : [result.value];
    const { item: wanted } = context.options;
    const place = typeof wanted === "number" ? wanted : 1;
    bind("item", (items as readonly Json[])[place - 1]);
    item = place > items.length ? `no item ${place} of ${items.length}` : `item ${place} of ${items.length}`;
  }
  for (const { name, expression } of rule?.lets ?? []) {
    const [answer] = await context.evaluator.answer([expression], scope);
    const value = letValue(answer);
    bind(name, value.ok ? value.value : undefined);
  }
  return {
    payload,
    pipeline,
    rule,
    scope,
    variables: Object.keys(scope.variables),
    ...(item === undefined ? {} : { item }),
  };
}

function ruleOf(pipeline: PipelineModel, type: string | undefined, wanted: unknown): RuleModel | undefined {
  const { rules } = pipeline;
  if (typeof wanted !== "string") {
    if (type !== undefined) return rules.find((rule) => rule.on.some((pattern) => matchesType(pattern, type)));
    return rules.length === 1 ? rules[0] : undefined;
  }
  const found = rules.find(
    (rule) =>
      String(rule.index + 1) === wanted ||
      rule.name === wanted ||
      rule.on.some((pattern) => matchesType(pattern, wanted)),
  );
  const names = rules.flatMap((rule) => [
    String(rule.index + 1),
    ...(rule.name === undefined ? [] : [rule.name]),
    ...rule.on,
  ]);
  return found ?? fail("HK8156", { pipeline: pipeline.name, rule: wanted, why: `: it has ${names.join(", ")}` });
}

function below(value: Json, path: string): Json {
  let here: Json | undefined = value;
  for (const name of path === "" ? [] : path.split("."))
    here = isJsonObject(here) && Object.hasOwn(here, name) ? here[name] : undefined;
  return here ?? {};
}
