/** How a config refers to a source's secret: `${STRIPE_WHSEC}`, never the secret. */
import { parse } from "yaml";

/** Undefined where it is written another way, or the source stands in a pipeline: what is no reference may be the secret. */
export function secretReference(
  files: Readonly<Record<string, string>>,
  source: string,
  index: number,
): string | undefined {
  const sources = member(parseLeniently(files["config.yaml"] ?? ""), "sources");
  const secrets = member(member(sources, source), "secrets");
  const one: unknown = Array.isArray(secrets) ? secrets[index - 1] : undefined;
  const text = typeof one === "string" ? one : Object.values(isObject(one) ? one : {}).find(isReference);
  return isReference(text) ? text : undefined;
}

const isReference = (value: unknown): value is string =>
  typeof value === "string" && /^\$\{[^}]+\}$/.test(value.trim());
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const member = (value: unknown, name: string): unknown => (isObject(value) ? Reflect.get(value, name) : undefined);

function parseLeniently(text: string): unknown {
  try {
    return parse(text, { logLevel: "silent", maxAliasCount: 10 });
  } catch {
    return undefined;
  }
}
