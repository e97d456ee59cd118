/** Which contract version an event says it is of, and what is done with one that no contract declares. Pure. */
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";

/** Compiled from `shown_by:` of the contracts of one provider and `unknown_version:` of the pipeline. */
export interface VersionGate {
  readonly from:
    | { readonly kind: "body"; readonly path: readonly string[] }
    | { readonly kind: "header"; readonly name: string };
  /** What events of versions with a contract say there. */
  readonly known: ReadonlySet<string>;
  readonly unknown: "accept" | "reject";
}

/** `body:api_version` or `header:shopify-api-version`. */
export function parseShownBy(from: string): VersionGate["from"] | undefined {
  const [, kind, rest = ""] = /^(body|header):(.+)$/.exec(from.trim()) ?? [];
  if (kind === "header") return { kind, name: rest.trim().toLowerCase() };
  return kind === "body" ? { kind, path: rest.trim().split(".") } : undefined;
}

export type ShownVersion =
  | { readonly kind: "known" }
  /** `shown`: what it says, where it says anything. */
  | { readonly kind: "unknown"; readonly shown: string | undefined };

/** Holds one event to the versions there are. */
export function shownVersion(
  gate: VersionGate,
  event: { readonly payload: Json; readonly headers: Readonly<Record<string, string>> },
): ShownVersion {
  const shown = gate.from.kind === "header" ? event.headers[gate.from.name] : textAt(event.payload, gate.from.path);
  return shown !== undefined && gate.known.has(shown) ? { kind: "known" } : { kind: "unknown", shown };
}

function textAt(payload: Json, path: readonly string[]): string | undefined {
  let here: Json | undefined = payload;
  for (const name of path) here = isJsonObject(here) && Object.hasOwn(here, name) ? here[name] : undefined;
  return typeof here === "string" || typeof here === "number" ? String(here) : undefined;
}
