/** Why events of a test became dead letters that it does not expect: the message, and the line it comes from. */
import type { PipelineModel, Revision } from "../config/revision.ts";
import type { TestExpectation } from "../config/test-model.ts";
import type { SourcePosition } from "../core/types.ts";
import { ruleName } from "../flow/detail.ts";
import type { EventStory } from "../store/store.ts";

export interface DeadReason {
  /** The expression did not end as an expression should: a fault of the config, whatever the test looks at. */
  readonly failed: boolean;
  /** What happened, and the line with what stands there. */
  readonly lines: readonly string[];
}

/** An expression that failed on the data, gave what is no value, or had to be stopped. */
const FAILED = /^HK201[0-5]$/;

/** Of one event, `index` from 0; `pipelines` are those the test speaks of. */
export function deadReasons(
  story: EventStory,
  index: number,
  context: {
    readonly revision: Revision;
    readonly expect: TestExpectation;
    readonly pipelines: ReadonlySet<string>;
  },
): readonly DeadReason[] {
  const { expect, revision, pipelines } = context;
  if (expect.outcomes?.[index] === "dead_letter") return [];
  return story.deadLetters
    .filter((letter) => pipelines.has(letter.pipeline) && expect.dead?.includes(letter.code) !== true)
    .map(({ pipeline, code, message }) => {
      const rule = story.outcomes.find((outcome) => outcome.pipeline === pipeline)?.rule;
      const model = revision.pipelines.find((one) => one.name === pipeline);
      const position = model === undefined ? undefined : placeOf(model, rule, message);
      const frame = position === undefined ? undefined : lineAt(revision, position);
      return {
        failed: FAILED.test(code),
        lines: [
          `event ${index + 1} became a dead letter: ${message} [${code}]`,
          ...(frame === undefined ? [] : [`  ${frame}`]),
        ],
      };
    });
}

/** Messages begin with the name or row they are about: `let total: …`, `owed: …`. */
function placeOf(pipeline: PipelineModel, name: string | undefined, message: string): SourcePosition | undefined {
  const rule = pipeline.rules.find((one) => ruleName(one) === name);
  if (rule === undefined) return undefined;
  const [, bound] = /^let (\w+)/.exec(message) ?? [];
  const found = rule.lets.find((one) => one.name === bound)?.expression.position;
  if (found !== undefined) return found;
  const rows = rule.writes.flatMap((write) => [...write.fields, ...write.links]);
  const row = rows.find((one) => message.startsWith(`${one.name}: `) || message.includes(`\`${one.name}\``));
  return row?.position ?? rule.position;
}

function lineAt({ files }: Revision, { file, line }: SourcePosition): string | undefined {
  const text = files[file]?.split("\n")[line - 1];
  return text === undefined ? undefined : `${file}:${line} | ${text.trim()}`;
}
