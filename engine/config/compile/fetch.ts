/** `fetch:` of a rule -> model: the connection can be read from, and the payload chooses neither host nor credentials. */
import type { ConnectionModel } from "../../delivery/model.ts";
import { compileExpression } from "../../mapping/expression.ts";
import { climbs } from "../../mapping/fetch.ts";
import type { FetchYaml } from "../../mapping/mapping.schema.ts";
import type { FetchModel, TextParts } from "../../mapping/model.ts";
import { TEMPLATE_PART } from "../../plugin/sources.ts";
import { markWithin, positionOf } from "../position.ts";
import type { RuleYaml } from "../schema/pipeline.schema.ts";
import type { TestYaml } from "../schema/tests.schema.ts";
import type { DeclaredObjects } from "../test-model.ts";
import { type CompileContext, checkName, compileMember, durationOr } from "./context.ts";

/** Names a rule can not use for what it fetches. */
const TAKEN = ["event", "item"];

/** Headers that are the connection's, or that frame a request. */
const RESERVED = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "upgrade",
  "expect",
  "accept-encoding",
]);

export interface FetchDeps {
  readonly connections: ReadonlyMap<string, ConnectionModel>;
  /** What the path and the headers may read. */
  readonly variables: readonly string[];
  /** Names of the rule's `let:`. */
  readonly lets: readonly string[];
}

/** The name that is read in the rule's expressions, also where the rest is wrong. */
export function fetchedName(rule: RuleYaml): string | undefined {
  return rule.fetch === undefined ? undefined : (rule.fetch.as ?? "fetched");
}

export function compileFetch(context: CompileContext, rule: RuleYaml, deps: FetchDeps): FetchModel | undefined {
  const yaml = rule.fetch;
  if (yaml === undefined) return undefined;
  const { positions, reporter } = context;
  checkConnection(context, yaml, deps);
  const as = fetchedName(rule) ?? "";
  const taken = TAKEN.includes(as) || deps.lets.includes(as);
  if (taken || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(as)) {
    const problem = taken ? `\`$${as}\` is another thing here` : "it is no name that an expression can read";
    const mark = yaml.as === undefined ? positions.key(rule, "fetch") : positions.value(yaml, "as");
    if (as !== "") reporter.report("HK1223", mark, { name: as, problem });
  }
  if (rule.order === "version" || rule.order === "receipt")
    reporter.report(
      "HK1222",
      positions.value(rule, "order"),
      { order: rule.order },
      { expected: "{ by: EXPRESSION }" },
    );
  const when =
    yaml.when === undefined ? undefined : compileMember(context, yaml, "when", { variables: [...deps.variables, as] });
  return {
    connection: yaml.connection,
    path: compilePath(context, yaml, deps),
    headers: compileHeaders(context, yaml, deps),
    as,
    root: yaml.root ?? false,
    ...(when === undefined ? {} : { when }),
    notFound: yaml.not_found ?? "dead",
    burstMs: durationOr(yaml.burst, 0),
    ...(yaml.contract === undefined ? {} : { contract: yaml.contract }),
  };
}

function checkConnection(context: CompileContext, yaml: FetchYaml, { connections }: FetchDeps): void {
  const mark = context.positions.value(yaml, "connection");
  const names = Object.keys(context.config.connections ?? {});
  if (!checkName(context, "connection", yaml.connection, { names, mark })) return;
  const connection = connections.get(yaml.connection);
  const reads = connection?.sink.reads?.(connection.settings) ?? "its sink does not speak HTTP";
  if (connection !== undefined && reads !== true)
    context.reporter.report("HK1220", mark, { connection: yaml.connection, problem: reads });
}

function compilePath(context: CompileContext, yaml: FetchYaml, deps: FetchDeps): TextParts {
  const { path } = yaml;
  const mark = context.positions.value(yaml, "path");
  const problem = !/^\/(?!\/)/.test(path)
    ? "it does not begin with one `/`"
    : path.includes("#") || /[\s\\]/.test(path.replace(TEMPLATE_PART, ""))
      ? "white space, `\\` and `#` do not stand in a path"
      : climbs(path)
        ? "it has a segment of dots"
        : undefined;
  if (problem !== undefined && path !== "") context.reporter.report("HK1221", mark, { problem });
  return compileTemplate(context, { holder: yaml, name: "path" }, deps);
}

function compileHeaders(context: CompileContext, yaml: FetchYaml, deps: FetchDeps): FetchModel["headers"] {
  const { headers = {} } = yaml;
  return Object.keys(headers).map((name) => {
    const lower = name.toLowerCase();
    if (RESERVED.has(lower) || !/^[a-z0-9!#$%&'*+.^_\x60|~-]+$/.test(lower))
      context.reporter.report("HK1225", context.positions.key(headers, name), { header: name });
    return [lower, compileTemplate(context, { holder: headers, name }, deps)] as const;
  });
}

/** Text in turn with expressions, which read the event. */
function compileTemplate(
  context: CompileContext,
  { holder, name }: { readonly holder: object; readonly name: string },
  { variables }: FetchDeps,
): TextParts {
  const source = String(Reflect.get(holder, name));
  const whole = context.positions.value(holder, name);
  const parts: TextParts[number][] = [];
  let end = 0;
  for (const match of source.matchAll(TEMPLATE_PART)) {
    if (match.index > end) parts.push(source.slice(end, match.index));
    end = match.index + match[0].length;
    const text = match[1] ?? "";
    const mark = markWithin(whole, match.index + 1, text.length);
    const compiled = compileExpression(text, { variables, position: positionOf(mark) });
    for (const fault of compiled.ok ? compiled.warnings : compiled.faults) {
      const { code, message, severity, hint } = fault;
      context.reporter.message(code, mark, message, { severity, hint });
    }
    if (compiled.ok) parts.push(compiled.expression);
  }
  if (end < source.length) parts.push(source.slice(end));
  return parts;
}

/** `fetched:` of a test: what connections that are declared give. */
export function fetchedBy(
  context: CompileContext,
  { fetched }: Pick<TestYaml, "fetched">,
  connections: readonly string[],
): DeclaredObjects | undefined {
  for (const name of Object.keys(fetched ?? {}))
    checkName(context, "connection", name, { names: connections, mark: context.positions.key(fetched ?? {}, name) });
  return fetched;
}
