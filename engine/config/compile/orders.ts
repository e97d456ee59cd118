/** `order:` of rules, side by side: what is written from one source must be ordered in one way. */
import type { RuleModel } from "../../mapping/model.ts";
import type { Mark } from "../position.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import type { CompileContext } from "./context.ts";
import type { CompiledPipeline } from "./pipelines.ts";

interface Use {
  readonly order: string;
  readonly mark: Mark;
}

/** Versions of two clocks can not be compared, so two orders for one attribute would let arrival decide. */
export function checkOrders(context: CompileContext, pipelines: readonly CompiledPipeline[]): void {
  const first = new Map<string, Use>();
  for (const pipeline of pipelines) {
    for (const rule of pipeline.rules) {
      const yaml = pipeline.yaml.rules[rule.index];
      if (yaml === undefined || pipeline.source === undefined) continue;
      const use: Use = { order: nameOf(rule), mark: markOf(context, yaml) };
      const reported = writtenBy(rule).find((what) => {
        const key = `${pipeline.source?.name}\n${what}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, use);
        return other !== undefined && other.order !== use.order;
      });
      if (reported === undefined) continue;
      const other = first.get(`${pipeline.source.name}\n${reported}`) as Use;
      context.reporter.report(
        "HK1151",
        use.mark,
        { what: reported, first: use.order, second: other.order },
        { related: { message: "the other rule", mark: other.mark } },
      );
    }
  }
}

function nameOf({ order, fetch }: RuleModel): string {
  if (order === undefined && fetch !== undefined) return "the time of the GET (`fetch`)";
  return order === undefined ? "version" : order.kind === "receipt" ? "receipt" : `by \`${order.expression.source}\``;
}

function markOf(context: CompileContext, yaml: RuleYaml): Mark {
  return yaml.order === undefined ? context.positions.value(yaml, "on") : context.positions.key(yaml, "order");
}

function writtenBy(rule: RuleModel): string[] {
  return rule.writes.flatMap((write) => [
    ...write.fields.map((row) => `${write.entity}.${row.name}`),
    ...(write.state === undefined ? [] : [`${write.entity}.state`]),
  ]);
}
