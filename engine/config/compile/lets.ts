/** `let:` of a rule and the `fragments:` it takes in -> names in their order, each with where it comes from. */
import { nearest } from "../../core/suggest.ts";
import type { RuleModel } from "../../mapping/model.ts";
import type { Mark } from "../position.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import { type CompileContext, checkName, compileMember, listOf } from "./context.ts";

type Names = Readonly<Record<string, string>>;

/** The fragments of `config.yaml`; remembers which are used. */
export interface Fragments {
  /** Reports a name that is not there. */
  use(name: string, mark: Mark): Names | undefined;
  /** Once all rules are compiled: what no rule uses, with the faults it has all the same. */
  reportUnused(): void;
}

export function createFragments(context: CompileContext): Fragments {
  const all = new Map(Object.entries(context.config.fragments ?? {}));
  const used = new Set<string>();
  return {
    use(name, mark) {
      // Of a name that is nearly right the fragment is taken in all the same: what follows is then not missed too.
      const meant = all.has(name) ? name : nearest(name, [...all.keys()]);
      checkName(context, "fragment", name, { names: all.keys(), mark });
      if (meant === undefined) return undefined;
      used.add(meant);
      return all.get(meant);
    },
    reportUnused() {
      for (const [name, names] of all) {
        if (used.has(name)) continue;
        const mark = context.positions.key(context.config.fragments ?? {}, name);
        context.reporter.report("HK1278", mark, { name }, { severity: "warning" });
        // What a rule would have to bring is not known: only what is wrong for any of them is told.
        const free = freeNames(names);
        for (const member of Object.keys(names)) compileMember(context, names, member, { variables: free });
      }
    },
  };
}

/** Every `$name` that is read anywhere: as good as bound. */
function freeNames(names: Names): readonly string[] {
  return Object.values(names).flatMap((text) =>
    [...String(text).matchAll(/\$([A-Za-z_]\w*)(?!\w*\s*\()/g)].map((match) => match[1] ?? ""),
  );
}

/** One stretch of a `let:`: the rule's own names, or a fragment and where it is named. */
interface Part {
  readonly names: Names;
  readonly fragment?: { readonly name: string; readonly mark: Mark };
}

function partsOf(context: CompileContext, rule: RuleYaml, fragments: Fragments): readonly Part[] {
  const { let: yaml } = rule;
  const whole = context.positions.value(rule, "let");
  return listOf(yaml).flatMap((one, index): readonly Part[] => {
    if (typeof one !== "string") return [{ names: one }];
    if (one === "") return [];
    const mark = Array.isArray(yaml) ? context.positions.value(yaml, index) : whole;
    const names = fragments.use(one, mark);
    return names === undefined ? [] : [{ names, fragment: { name: one, mark } }];
  });
}

export interface CompiledLets {
  readonly lets: RuleModel["lets"];
  /** What rows may read. */
  readonly variables: readonly string[];
}

/** `reserved`: names that mean something else in this rule, by what a message says of it. */
export function compileLets(
  context: CompileContext,
  rule: RuleYaml,
  given: { readonly base: readonly string[]; readonly fragments: Fragments; readonly item: boolean },
): CompiledLets {
  const variables = [...given.base];
  const lets: { name: string; expression: RuleModel["lets"][number]["expression"]; fragment?: string }[] = [];
  const bound = new Map<string, Mark>();
  for (const { names, fragment } of partsOf(context, rule, given.fragments)) {
    for (const name of Object.keys(names)) {
      const key = context.positions.key(names, name);
      checkLetName(context, { name, key, item: given.item });
      checkBoundOnce(context, { name, mark: fragment?.mark ?? key, before: bound.get(name) });
      bound.set(name, fragment?.mark ?? key);
      const used = fragment === undefined ? undefined : { message: "a rule takes it in here", mark: fragment.mark };
      const expression = compileMember(context, names, name, { variables }, used);
      if (expression !== undefined)
        lets.push({ name, expression, ...(fragment === undefined ? {} : { fragment: fragment.name }) });
      variables.push(name);
    }
  }
  return { lets, variables };
}

/** In a rule with `each:`, `$item` is the item. */
export const ITEM = "item";

function checkLetName(
  { reporter }: CompileContext,
  { name, key, item }: { readonly name: string; readonly key: Mark; readonly item: boolean },
): void {
  if (item && name === ITEM) reporter.report("HK1150", key, { name: `$${ITEM}` });
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  reporter.report("HK1015", key, { key: name }, { expected: "a variable name of letters, digits and `_`" });
}

function checkBoundOnce(
  { reporter }: CompileContext,
  { name, mark, before }: { readonly name: string; readonly mark: Mark; readonly before: Mark | undefined },
): void {
  if (before === undefined) return;
  reporter.report("HK1279", mark, { name }, { related: { message: "it is bound here already", mark: before } });
}
