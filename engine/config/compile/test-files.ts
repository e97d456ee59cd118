/** `pipelines/NAME.test.yaml`: whose tests they are. */
import type { PipelineYaml } from "../schema/pipeline.schema.ts";
import type { TestFileYaml } from "../schema/tests.schema.ts";
import { type CompileContext, checkName } from "./context.ts";
import type { TestsYaml } from "./tests.ts";

/** What a pipeline says of itself, and then each file beside it. */
export function withTestFiles(yaml: PipelineYaml, files: readonly TestFileYaml[]): TestsYaml {
  const all: readonly TestsYaml[] = [yaml, ...files.filter((file) => file.pipeline === yaml.pipeline)];
  return {
    tests: all.flatMap(({ tests = [] }) => tests),
    traces: all.flatMap(({ traces = [] }) => traces),
  };
}

/** A test file of a pipeline that is not there would prove nothing. */
export function checkTestFiles(context: CompileContext, files: readonly TestFileYaml[]): void {
  const names = context.pipelines.map((pipeline) => pipeline.pipeline);
  for (const file of files)
    checkName(context, "pipeline", file.pipeline, { names, mark: context.positions.value(file, "pipeline") });
}
