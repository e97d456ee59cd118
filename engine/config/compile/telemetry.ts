/** What is told of the engine at work: `otel:`, where traces and metrics go, and the key of hashes in the log. */
import { Secret } from "../../core/secret.ts";
import type { OtelModel } from "../revision.ts";
import type { CompileContext } from "./context.ts";

/** A shorter key could be tried out, and every name with it. */
const SHORTEST_KEY = 16;

export function hashKeyOf({ config, positions, reporter }: CompileContext): { readonly hashKey?: Secret } {
  const { log } = config;
  // Empty: a variable that is not set, which is told where it is read.
  if (log?.hash_key === undefined || log.hash_key === "") return {};
  if (log.hash_key.length < SHORTEST_KEY)
    reporter.report("HK1297", positions.value(log, "hash_key"), { shortest: SHORTEST_KEY });
  return { hashKey: new Secret(log.hash_key) };
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const BAD_VALUE = /[^\t\x20-\x7e]/;

export function compileOtel({ config, positions, reporter }: CompileContext): { readonly otel?: OtelModel } {
  const { otel } = config;
  if (otel === undefined) return {};
  const endpoint = endpointOf(otel.endpoint);
  if (typeof endpoint === "string") reporter.report("HK1295", positions.value(otel, "endpoint"), { problem: endpoint });
  const headers = Object.entries(otel.headers ?? {});
  for (const [name, value] of headers) {
    if (TOKEN.test(name) && !BAD_VALUE.test(value)) continue;
    reporter.report("HK1296", positions.key(otel.headers ?? {}, name), {
      header: TOKEN.test(name) ? name : "a header",
    });
  }
  if (typeof endpoint === "string") return {};
  return {
    otel: {
      endpoint: endpoint.href.replace(/\/+$/, ""),
      headers: new Map(headers.map(([name, value]) => [name.toLowerCase(), new Secret(value)])),
      serviceName: otel.service_name ?? "hookrail",
      sample: otel.sample ?? 1,
    },
  };
}

/** What is wrong with it, in words. */
function endpointOf(text: string): URL | string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) return "it is no http or https URL";
  if (url.username !== "" || url.password !== "") return "credentials in a URL show in logs: put them under `headers`";
  if (url.search !== "" || url.hash !== "")
    return "it ends at its path: `/v1/traces` and `/v1/metrics` are put behind it";
  return url;
}
