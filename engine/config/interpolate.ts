/**
 * `${NAME}` and `${file:PATH}` in parsed strings. A value can never add structure, since YAML is parsed first; what
 * is not set is an error and never a literal. `$${` is a `${` that is meant as such.
 */

/** Where references are looked up. Values never go into messages. */
export interface ReferenceSource {
  variable(name: string): string | undefined;
  file(path: string): { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };
}

export interface ReferenceFault {
  readonly code: "HK1020" | "HK1021" | "HK1023" | "HK1025";
  /** As written, e.g. `${STRIPE_WHSEC}`. */
  readonly reference: string;
  readonly reason?: string;
  readonly hint?: string;
  readonly offset: number;
}

export interface Interpolated {
  readonly text: string;
  /** References that were resolved; 0: the text is as it was. */
  readonly references: number;
  readonly faults: readonly ReferenceFault[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** True when the text has a `${`, whatever is in it. */
export function hasReference(text: string): boolean {
  return text.replaceAll("$${", "").includes("${");
}

/** Resolves all references of one string. `secret` ones may not be empty. */
export function interpolate(text: string, source: ReferenceSource, secret: boolean): Interpolated {
  const faults: ReferenceFault[] = [];
  let references = 0;
  const resolved = text.replace(
    REFERENCE,
    (whole: string, inner: string | undefined, close: string, offset: number) => {
      if (whole === "$${") return "${";
      references++;
      const found = resolve(inner ?? "", close === "}", source);
      if ("text" in found && !(secret && found.text === "")) return found.text;
      faults.push({ reference: whole, offset, ...("text" in found ? { code: "HK1025" as const } : found) });
      return "";
    },
  );
  return { text: resolved, references, faults };
}

function resolve(
  inner: string,
  closed: boolean,
  source: ReferenceSource,
): { readonly text: string } | Omit<ReferenceFault, "reference" | "offset"> {
  if (!closed) return { code: "HK1021", hint: "the `}` is missing" };
  if (inner.startsWith("file:")) {
    const path = inner.slice("file:".length);
    if (path === "") return { code: "HK1021", hint: "name a file: `${file:/run/secrets/x}`" };
    const read = source.file(path);
    return read.ok ? { text: read.text.replace(/\r?\n$/, "") } : { code: "HK1023", reason: read.reason };
  }
  if (!NAME.test(inner)) return { code: "HK1021", hint: malformedHint(inner) };
  const value = source.variable(inner);
  return value === undefined ? { code: "HK1020" } : { text: value };
}

function malformedHint(inner: string): string {
  if (/^[A-Za-z_]\w*:[-?+=]?/.test(inner)) return "there are no defaults in references: put them into `env_file`";
  const name = inner
    .trim()
    .replace(/[^A-Za-z0-9_]+/g, "_")
    .toUpperCase();
  return NAME.test(name) ? `write \`\${${name}}\`` : "write `${NAME}` or `${file:PATH}`";
}

/** Reads an env file: `NAME=value` lines, `#` comments, optional quotes, no expansion. Faulty lines are returned. */
export function parseEnvFile(text: string): {
  readonly values: ReadonlyMap<string, string>;
  readonly faultyLines: readonly number[];
} {
  const values = new Map<string, string>();
  const faultyLines: number[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) return;
    const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line);
    if (match === null) faultyLines.push(index + 1);
    else values.set(match[1] ?? "", unquote(match[2] ?? ""));
  });
  return { values, faultyLines };
}

function unquote(value: string): string {
  const quotedText = /^(["'])(.*)\1$/.exec(value);
  return quotedText === null ? value.replace(/\s+#.*$/, "") : (quotedText[2] ?? "");
}
