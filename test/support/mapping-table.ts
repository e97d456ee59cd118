/** The mapping table of a pipeline as Markdown, made from its YAML: what a page about the pipeline must say, row for row. */

/** A `fields:` row in the forms the language has. */
type Field = string | Readonly<Record<string, unknown>>;

export interface PipelineText {
  readonly pipeline: string;
  readonly rules: readonly {
    readonly on: string | readonly string[];
    readonly let?: Readonly<Record<string, string>>;
    readonly write?: Readonly<
      Record<string, { readonly fields?: Readonly<Record<string, Field>>; readonly state?: unknown }>
    >;
  }[];
}

/** Entity -> attribute -> what `config.yaml` declares of it. */
export type Declared = Readonly<
  Record<
    string,
    { readonly attributes: Readonly<Record<string, { readonly owner: string; readonly protected?: boolean }>> }
  >
>;

/** A row for each attribute that a rule writes. */
export function mappingTable(pipelines: readonly PipelineText[], entities: Declared): string {
  const rows = pipelines.flatMap(({ rules }) =>
    rules.flatMap(({ on, let: names = {}, write = {} }) =>
      Object.entries(write).flatMap(([entity, { fields = {} }]) =>
        Object.entries(fields).map(([name, field]) => {
          const declared = entities[entity]?.attributes[name];
          if (declared === undefined) throw new Error(`no ${entity}.${name}`);
          const owner = declared.protected === true ? `${declared.owner}, protected` : declared.owner;
          return [list([on].flat()), code(`${entity}.${name}`), sourceOf(field, names), policyOf(field), owner];
        }),
      ),
    ),
  );
  const lines = [["event", "attribute", "from", "missing", "owner"], ["---", "---", "---", "---", "---"], ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;
const list = (texts: readonly string[]) => texts.map(code).join(", ");

function sourceOf(field: Field, names: Readonly<Record<string, string>>): string {
  if (typeof field === "string") return expanded(field, names);
  if ("value" in field) return `always ${code(JSON.stringify(field["value"]))}`;
  const paths = Array.isArray(field["first"]) ? field["first"].map(String) : [String(field["from"])];
  const read = paths.map((path) => expanded(path, names)).join(", else ");
  const table = field["table"] === undefined ? "" : `, in the table ${code(String(field["table"]))}`;
  const take = field["take"] === undefined ? "" : `, the ${String(field["take"])}`;
  return `${read}${take}${table}`;
}

/** A name of `let:` stands for its path. */
function expanded(source: string, names: Readonly<Record<string, string>>): string {
  let text = source;
  for (const [name, meant] of Object.entries(names).reverse()) text = text.replaceAll(`$${name}`, meant);
  return code(text);
}

function policyOf(field: Field): string {
  if (typeof field === "string") return "keep";
  if ("value" in field) return "can not be";
  const missing = field["missing"] === undefined ? "keep" : String(field["missing"]);
  return field["on_null"] === undefined ? missing : `${missing}; null: ${String(field["on_null"])}`;
}
