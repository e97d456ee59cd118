/** `--save-test`: what the rule writes for this payload becomes a test of the pipeline, run once before it is kept. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument, YAMLSeq } from "yaml";
import type { Revision } from "../../config/revision.ts";
import { fail } from "../../core/errors.ts";
import type { Evaluator } from "../../core/expression.ts";
import type { Json } from "../../core/types.ts";
import { mapEvent } from "../../mapping/map.ts";
import type { MappedWrite } from "../../mapping/model.ts";
import { rowExpressions } from "../../mapping/rows.ts";
import { runTest } from "../../testing/runner.ts";
import { loadInstallation } from "../config.ts";
import type { Cli } from "../context.ts";
import type { Installation } from "../installation.ts";
import { sampleReader } from "../recorded.ts";
import type { Subject } from "./subject.ts";

export interface Saving {
  readonly cli: Cli;
  readonly installation: Installation;
  readonly revision: Revision;
  readonly evaluator: Evaluator;
}

/** Writes the test and gives the file it is in, relative to the config's folder. */
export async function saveTest(
  name: string,
  given: { readonly expression: string; readonly subject: Subject },
  saving: Saving,
): Promise<string> {
  const { subject } = given;
  const { pipeline, payload } = subject;
  const refuse = (problem: string): never => fail("HK8157", { name, problem });
  if (pipeline === undefined) return refuse("say whose test it is with `--pipeline`");
  if (payload.asTest === undefined)
    return refuse(
      payload.stored
        ? "a stored event is no fixture"
        : "a test needs a sample, or a recorded file in the config's folder",
    );
  if (pipeline.tests.some((test) => test.name === name)) return refuse("the pipeline has a test of that name");
  const expect = await expectationOf(given, saving);
  if (expect === undefined) return refuse("the rule writes nothing for this payload");
  const file = `pipelines/${pipeline.name}.test.yaml`;
  const path = join(saving.installation.root, file);
  const before = existsSync(path) ? readFileSync(path, "utf8") : undefined;
  writeFileSync(
    path,
    withTest(before ?? `pipeline: ${pipeline.name}\ntests: []\n`, { name, events: [payload.asTest], expect }),
  );
  const problem = await problemOf(name, pipeline.name, saving);
  if (problem === undefined) return file;
  if (before === undefined) rmSync(path);
  else writeFileSync(path, before);
  return refuse(problem);
}

/** The attributes that the expression feeds; all that the rule writes, where it feeds none. */
async function expectationOf(
  { expression, subject }: { readonly expression: string; readonly subject: Subject },
  { revision, evaluator }: Saving,
): Promise<{ readonly [entity: string]: Json } | undefined> {
  const { pipeline, payload, rule } = subject;
  if (pipeline === undefined || rule === undefined) return undefined;
  const mapped = await mapEvent({
    rules: pipeline.rules,
    type: payload.type ?? rule.on[0] ?? "",
    scope: { ...subject.scope, variables: { event: payload.whole } },
    times: pipeline.source.times,
    entities: revision.entities,
    evaluator,
  });
  if (mapped.kind !== "mapped") return undefined;
  const fed = valuesOf(mapped.writes, expression);
  return fed ?? valuesOf(mapped.writes, undefined);
}

function valuesOf(
  writes: readonly MappedWrite[],
  expression: string | undefined,
): { [entity: string]: Json } | undefined {
  const found: { [entity: string]: { [key: string]: { [attribute: string]: Json } } } = {};
  for (const write of writes) {
    if (write.key.kind !== "id" || write.key.idName === undefined) continue;
    for (const { row, result } of write.fields) {
      const meant =
        expression === undefined || rowExpressions(row).some(({ source }) => source.trim() === expression.trim());
      if (!meant || (result.kind !== "set" && result.kind !== "initial")) continue;
      const { entity } = write.model;
      const { value: key } = write.key;
      found[entity] = { ...found[entity], [key]: { ...found[entity]?.[key], [row.name]: result.value } };
    }
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** The file with one test more; what stands in it stays as it is. */
export function withTest(text: string, test: { readonly [key: string]: Json }): string {
  const document = parseDocument(text);
  const tests = document.get("tests");
  const node = document.createNode(test, { aliasDuplicateObjects: false });
  if (tests instanceof YAMLSeq) {
    tests.flow = false;
    tests.add(node);
  } else document.set("tests", document.createNode([test]));
  return document.toString({ lineWidth: 120, flowCollectionPadding: true });
}

async function problemOf(
  name: string,
  pipelineName: string,
  { cli, installation, evaluator }: Saving,
): Promise<string | undefined> {
  const loaded = await loadInstallation(cli, installation.configPath);
  const pipeline = loaded.revision?.pipelines.find((one) => one.name === pipelineName);
  const test = pipeline?.tests.find((one) => one.name === name);
  if (loaded.revision === undefined || pipeline === undefined || test === undefined) {
    const [error] = loaded.diagnostics.filter(({ severity }) => severity === "error");
    return error === undefined ? "the config does not load with it" : `${error.code} ${error.message}`;
  }
  const run = await runTest(loaded.revision, pipeline, test, {
    evaluator,
    readSample: sampleReader(installation.configPath),
  });
  return run.passed ? undefined : `it fails: ${run.differences.join("; ")}`;
}
