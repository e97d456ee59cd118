/** What rows look up in tables, against the values that contracts list: keys that never come, and values without a row. */

import { nearestWord } from "../../core/suggest.ts";
import { flat } from "../../mapping/flow.ts";
import type { RowYaml } from "../../mapping/mapping.schema.ts";
import { listed } from "../../mapping/typed-lint.ts";
import { has, KIND, type Type } from "../../mapping/types.ts";
import type { Mark } from "../position.ts";
import type { CompileContext } from "./context.ts";
import type { TableKeys, Tables } from "./tables.ts";

type RowMap = Exclude<RowYaml, string>;

export interface LookedUp {
  /** What the row's expression under `name` yields goes to its table, if it has one. */
  add(
    row: RowMap,
    name: "from" | "first",
    found: { readonly type: Type | undefined; readonly contract: boolean },
  ): void;
  /** To be called once all rows were added: a key that one row never reads another may. */
  report(): void;
}

interface Uses {
  readonly table: TableKeys;
  /** All that any row can look up; undefined: some row's values are not known. */
  texts: Set<string> | undefined;
  readonly mark: Mark;
}

export function createLookedUp(context: CompileContext, tables: Tables): LookedUp {
  const all = new Map<string, Uses>();
  return {
    add(row, name, { type, contract }) {
      const table = row.table === undefined ? undefined : tables.keysOf(row.table);
      if (table === undefined) return;
      const texts = type === undefined || !contract ? undefined : textsIn(type, row.take !== undefined);
      const mark = context.positions.value(row, name);
      const uses = all.get(table.name) ?? { table, texts: new Set<string>(), mark };
      all.set(table.name, uses);
      uses.texts = texts && uses.texts?.union(texts);
      if (texts !== undefined) reportLacking(context, { table, texts, mark });
    },
    report() {
      for (const { table, texts, mark } of all.values()) {
        if (texts === undefined) continue;
        for (const key of table.keys) if (!texts.has(key)) reportIdle(context, { table, key, texts, mark });
      }
    },
  };
}

/** The texts it can be; undefined, where it can be more. Null and "" are missing data, and never get to the table. */
function textsIn(type: Type, each: boolean): ReadonlySet<string> | undefined {
  const one = each ? flat(type) : type;
  if (has(one, ~(KIND.string | KIND.null | KIND.absent)) || !has(one, KIND.string)) return undefined;
  const { texts } = one;
  return texts === undefined ? undefined : new Set([...texts].filter((text) => text.trim() !== ""));
}

interface Lookup {
  readonly table: TableKeys;
  readonly texts: ReadonlySet<string>;
  readonly mark: Mark;
}

function reportLacking(context: CompileContext, { table, texts, mark }: Lookup): void {
  const lacking = [...texts].filter((text) => !table.keys.includes(text));
  const [first] = lacking;
  if (first === undefined) return;
  const near = nearestWord(
    first,
    table.keys.filter((key) => !texts.has(key)),
  );
  context.reporter.report(
    "HK2052",
    mark,
    { table: table.name, texts: listed(lacking) },
    {
      severity: "warning",
      hint:
        near === undefined ? "each such event is a dead letter" : `the table has \`${near}\`: is \`${first}\` meant?`,
      ...(near !== undefined && { related: { message: "this row", mark: table.markOf(near) } }),
    },
  );
}

function reportIdle(context: CompileContext, { table, key, texts, mark }: Lookup & { readonly key: string }): void {
  const near = nearestWord(key, texts);
  context.reporter.report(
    "HK2051",
    table.markOf(key),
    { table: table.name, key, texts: listed(texts) },
    {
      severity: "warning",
      ...(near !== undefined && { hint: `did you mean \`${near}\`?` }),
      related: { message: "this row looks it up", mark },
    },
  );
}
