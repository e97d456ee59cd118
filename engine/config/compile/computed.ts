/** `rollup:` and `derive:`: what is computed from children or from the entity's own attributes. */
import type { RollupModel } from "../../core/entity.ts";
import type { Expression, ExpressionInput } from "../../core/expression.ts";
import { isOrdered, readValue } from "../../core/values.ts";
import { markWithin } from "../position.ts";
import type { AttributeYaml, RollupYaml } from "../schema/entities.schema.ts";
import { type CompileContext, checkName, checkNames, compileMember } from "./context.ts";
import { type AttributePlace, statesOf, valueModelOf } from "./entity-shape.ts";

type WithRollup = AttributeYaml & { readonly rollup: RollupYaml };

export function compileRollup(
  context: CompileContext,
  place: AttributePlace,
  yaml: WithRollup,
): RollupModel | undefined {
  const { positions, reporter } = context;
  const { rollup } = yaml;
  const mark = positions.value(rollup, "of");
  const target = findTarget(context, rollup.of);
  if (yaml.derive !== undefined)
    reporter.report("HK1016", positions.key(yaml, "derive"), {
      problem: "an attribute has either `rollup` or `derive`",
    });
  if (target === undefined) {
    const [child = rollup.of] = rollup.of.split(".");
    checkName(context, "entity", child, { names: Object.keys(context.config.entities ?? {}), mark });
    return undefined;
  }
  if (target.yaml.parent !== place.entity) {
    if (rollup.of !== "")
      reporter.report(
        "HK1073",
        mark,
        { problem: `\`${target.child}\` is no child of \`${place.entity}\`` },
        {
          hint:
            target.child === place.entity ? undefined : `declare \`parent: ${place.entity}\` in \`${target.child}\``,
        },
      );
    return undefined;
  }
  checkTake(context, place, yaml, target);
  checkIn(context, rollup, target);
  const none = compileNone(context, yaml);
  return {
    childType: target.child,
    ...(target.attribute === undefined ? {} : { childAttribute: target.attribute }),
    take: rollup.take,
    ...(rollup.in === undefined ? {} : { inStates: new Set(rollup.in) }),
    ...(none === undefined ? {} : { none }),
  };
}

interface Target {
  readonly child: string;
  readonly attribute: string | undefined;
  readonly yaml: NonNullable<CompileContext["config"]["entities"]>[string];
}

/** Entity names may hold dots: the longest one that is declared counts. */
function findTarget(context: CompileContext, of: string): Target | undefined {
  const entities = context.config.entities ?? {};
  const child = Object.keys(entities)
    .filter((name) => of === name || of.startsWith(`${name}.`))
    .sort((a, b) => b.length - a.length)[0];
  const yaml = child === undefined ? undefined : entities[child];
  if (child === undefined || yaml === undefined) return undefined;
  return { child, attribute: of === child ? undefined : of.slice(child.length + 1), yaml };
}

function checkTake(context: CompileContext, place: AttributePlace, yaml: WithRollup, target: Target): void {
  const { positions, reporter } = context;
  const { rollup } = yaml;
  const wrong = (problem: string, key: "of" | "take") =>
    reporter.report("HK1073", positions.value(rollup, key), { problem });
  if (target.attribute === undefined) {
    if (rollup.take !== "count") wrong(`\`take: ${rollup.take}\` needs an attribute: \`${target.child}.NAME\``, "of");
    else if (yaml.type !== "integer") wrong("`take: count` makes an integer", "take");
    return;
  }
  const attributes = target.yaml.attributes ?? {};
  if (
    !checkName(context, "attribute", target.attribute, {
      names: Object.keys(attributes),
      mark: positions.value(rollup, "of"),
    })
  )
    return;
  const child = attributes[target.attribute];
  if (child === undefined) return;
  if (rollup.take === "sum" && child.type !== "integer" && child.type !== "number")
    wrong(`\`${rollup.of}\` is no number, so there is no sum`, "take");
  if (rollup.take === "count") return;
  if (rollup.take !== "sum" && !isOrdered(valueModelOf(child)))
    wrong(`\`${rollup.of}\` has no order; declare \`enum:\`, low to high`, "take");
  const fits = child.type === yaml.type || (child.type === "integer" && yaml.type === "number");
  if (!fits) wrong(`\`${rollup.of}\` is of type ${child.type}, \`${place.attribute}\` of type ${yaml.type}`, "of");
  const foreign = (child.enum ?? []).filter((value) => yaml.enum !== undefined && !yaml.enum.includes(value));
  if (foreign.length > 0)
    wrong(`\`${rollup.of}\` may be ${foreign.join(", ")}, which \`${place.attribute}\` may not`, "of");
}

function checkIn(context: CompileContext, rollup: RollupYaml, target: Target): void {
  const states = rollup.in;
  if (states === undefined) return;
  const names = statesOf(target.yaml);
  checkNames(context, "state", states, names);
}

function compileNone(context: CompileContext, yaml: WithRollup): RollupModel["none"] {
  const { none } = yaml.rollup;
  if (none === undefined) return undefined;
  const mark = context.positions.value(yaml.rollup, "none");
  if (none === "clear") {
    if (yaml.clearable !== true)
      context.reporter.report(
        "HK1074",
        mark,
        { what: "`none: clear`" },
        { hint: "declare `clearable: true`, or give a value" },
      );
    return "clear";
  }
  const read = readValue(valueModelOf(yaml), none, { times: "iso" });
  if (!read.ok)
    context.reporter.report(
      "HK1072",
      mark,
      { value: String(none), what: "the attribute" },
      { expected: read.expected },
    );
  return { value: read.ok ? read.value : none };
}

/** A derived attribute reads attributes of its own entity, and none that depends on itself. */
export function compileDerive(
  context: CompileContext,
  place: AttributePlace,
  yaml: AttributeYaml,
): Expression | undefined {
  const expression = compileMember(context, yaml, "derive", {});
  if (expression === undefined) return undefined;
  const attributes = place.entityYaml.attributes ?? {};
  const whole = context.positions.value(yaml, "derive");
  for (const input of expression.inputs) {
    const name = firstName(input);
    if (name === undefined) continue;
    const mark = markWithin(whole, Math.max(0, expression.source.indexOf(name)), name.length);
    if (!checkName(context, "attribute", name, { names: Object.keys(attributes), mark })) continue;
    if (attributes[name]?.derive !== undefined) {
      context.reporter.report("HK1073", mark, { problem: `\`${name}\` is derived itself; write its expression out` });
    }
  }
  return expression;
}

/** The first step of a payload path, without backticks. */
export function firstName(input: ExpressionInput): string | undefined {
  if (input.root !== "payload") return undefined;
  return /^(?:`([^`]+)`|([\p{L}_][\p{L}\p{N}_]*))/u
    .exec(input.path)
    ?.slice(1)
    .find((part) => part !== undefined);
}
