/** `checks:` -> what is asked of which part of the config. The conditions are evaluated by `hookrail check`. */
import { didYouMean, slipOf } from "../../core/suggest.ts";
import type { Json } from "../../core/types.ts";
import { isNode, type SchemaNode } from "../annotations.ts";
import type { MemberSet } from "../leaves.ts";
import type { CheckSubject, OwnCheck } from "../own-checks.ts";
import { type Mark, spanOf } from "../position.ts";
import { fixTo } from "../report.ts";
import type { OwnCheckYaml } from "../schema/checks.schema.ts";
import { configSchema } from "../schema/config.schema.ts";
import { pipelineSchema } from "../schema/pipeline.schema.ts";
import { type CompileContext, compileMember, shortList } from "./context.ts";
import { isOpen, namesIn, stepThrough } from "./schema-steps.ts";

const PIPELINES = "pipelines";

/** Compiles each check. `resolved`: members that hold what a reference stood for, which is not shown to a check. */
export function compileOwnChecks(context: CompileContext, resolved: MemberSet): readonly OwnCheck[] {
  return Object.entries(context.config.checks ?? {}).flatMap(([name, yaml]) => {
    const variables = ["name", "pipeline", "config"];
    const require = compileMember(context, yaml, "require", { variables, missingPolicy: false });
    const subjects = subjectsOf(context, yaml, resolved);
    if (require === undefined) return [];
    const span = spanOf(context.positions.value(yaml, "require"));
    return [{ name, require, severity: yaml.severity ?? "warning", subjects, span }];
  });
}

/** A value on the way, and the names that led to it. */
interface Found {
  readonly value: Json;
  readonly name: string;
  readonly pipeline: Json | undefined;
  readonly mark: Mark | undefined;
}

function subjectsOf(context: CompileContext, yaml: OwnCheckYaml, resolved: MemberSet): readonly CheckSubject[] {
  const { positions, reporter, config } = context;
  const [section = "", ...steps] = yaml.of.split(".");
  const sections = [PIPELINES, ...Object.keys(configSchema.properties)];
  if (!sections.includes(section)) {
    const mark = positions.value(yaml, "of");
    const near = slipOf(section, sections);
    const whole = near === undefined ? undefined : fixTo([near, ...steps].join(".").replaceAll("*", "_"));
    reporter.report(
      "HK1250",
      mark,
      { section },
      {
        hint: didYouMean(section, sections),
        expected: `one of ${shortList(sections)}`,
        fix: whole === undefined ? undefined : { text: [near, ...steps].join(".") },
      },
    );
    return [];
  }
  const top: Json = section === PIPELINES ? (context.pipelines as unknown as Json) : memberOf(config, section);
  let found: readonly Found[] = [{ value: top, name: section, pipeline: undefined, mark: undefined }];
  for (const step of steps) found = found.flatMap((one) => stepInto(context, one, step, section === PIPELINES));
  checkSteps(context, yaml, { section, steps });
  const whole = masked(context, config as unknown as Json, resolved);
  return found.map(({ value, name, pipeline, mark }) => ({
    value: masked(context, value, resolved),
    variables: { name, pipeline: masked(context, pipeline ?? null, resolved), config: whole },
    message: filled(yaml.message, name, pipeline),
    span: spanOf(mark ?? positions.value(yaml, "of")),
  }));
}

/** A name that no config can have there would make a check that is never asked look as if it held. */
function checkSteps(
  { positions, reporter }: CompileContext,
  yaml: OwnCheckYaml,
  { section, steps }: { readonly section: string; readonly steps: readonly string[] },
): void {
  const top: unknown =
    section === PIPELINES ? { type: "array", items: pipelineSchema } : Reflect.get(configSchema.properties, section);
  let schemas: readonly SchemaNode[] = [top].filter(isNode);
  for (const step of steps) {
    if (isOpen(schemas)) return;
    const next = stepThrough(schemas, step);
    if (next.length === 0) {
      const hint = didYouMean(step, namesIn(schemas));
      reporter.report("HK1251", positions.value(yaml, "of"), { of: yaml.of, step }, { hint });
      return;
    }
    schemas = next;
  }
}

const memberOf = (holder: object, name: string): Json => (Reflect.get(holder, name) as Json | undefined) ?? {};

/** One member, or all of them. */
function stepInto({ positions }: CompileContext, from: Found, step: string, inPipelines: boolean): readonly Found[] {
  const { value } = from;
  if (typeof value !== "object" || value === null) return [];
  const list = Array.isArray(value);
  const keys = step === "*" ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : [];
  return keys.map((key) => {
    const member = memberOf(value, key);
    const pipeline = from.pipeline ?? (inPipelines ? member : undefined);
    const isPipeline = from.pipeline === undefined && inPipelines;
    const known = positions.has(value);
    const mark = isPipeline
      ? positions.value(member as object, "pipeline")
      : known
        ? list
          ? positions.value(value, Number(key))
          : positions.key(value, key)
        : from.mark;
    return { value: member, name: isPipeline ? pipelineName(member) : key, pipeline, mark };
  });
}

const pipelineName = (pipeline: Json | undefined): string =>
  typeof pipeline === "object" && pipeline !== null ? String(Reflect.get(pipeline, "pipeline") ?? "") : "";

const filled = (message: string, name: string, pipeline: Json | undefined) =>
  message.replaceAll("{name}", name).replaceAll("{pipeline}", pipelineName(pipeline));

/** A copy in which what came from the environment is what is written in the file. */
function masked(context: CompileContext, value: Json, resolved: MemberSet): Json {
  if (typeof value !== "object" || value === null) return value;
  const member = (name: string | number): Json => {
    const inner = Reflect.get(value, name) as Json;
    if (!resolved.has(value, name)) return masked(context, inner, resolved);
    return context.positions.value(value, name).reference?.written ?? "";
  };
  if (Array.isArray(value)) return value.map((_, i) => member(i));
  return Object.fromEntries(Object.keys(value).map((name) => [name, member(name)]));
}
