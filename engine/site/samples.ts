/** Sample payloads as pages show them: what feeds a sensitive attribute, or is called like personal data, is masked. */

import type { Revision, SourceModel } from "../config/revision.ts";
import type { Json } from "../core/types.ts";
import { mappingLines } from "./mapping-table.ts";

export const MASK = "•••";

/** Names under which people's data stand in payloads. */
const PERSONAL =
  /e-?mail|phone|mobile|^(first|last|full|given|family|middle|user|display)?_?name$|address|street|postal|zip|birth|^ip$|_ip$|ip_address|password|secret|token|card_?number|iban|ssn|tax_?id|latitude|longitude/i;

/** Last member names of the payload paths that sensitive attributes are read from. */
export function sensitiveNames(revision: Revision): ReadonlySet<string> {
  const lines = mappingLines(revision).filter((line) => line.sensitive);
  return new Set(lines.flatMap((line) => line.upstream.flatMap((path) => lastName(path) ?? [])));
}

const lastName = (path: string): string | undefined => /([A-Za-z_][\w-]*)[^A-Za-z_]*$/.exec(path)?.[1];

/** The payload with every value below such a name replaced, and the same values wherever else they stand. */
export function maskSample(body: Json, names: ReadonlySet<string>): Json {
  const hidden = new Set<string>();
  collect(body, { names, under: false, hidden });
  return mask(body, { names, under: false, hidden });
}

interface Walk {
  readonly names: ReadonlySet<string>;
  readonly under: boolean;
  readonly hidden: Set<string>;
}

const isHidden = (name: string, names: ReadonlySet<string>) => names.has(name) || PERSONAL.test(name);

function collect(value: Json, walk: Walk): void {
  if (Array.isArray(value)) for (const one of value) collect(one, walk);
  else if (typeof value === "object" && value !== null)
    for (const [name, one] of Object.entries(value)) {
      collect(one as Json, { ...walk, under: walk.under || isHidden(name, walk.names) });
    }
  // Short texts and flags stand in too many places to be one person's.
  else if (walk.under && typeof value === "string" && value.length > 5) walk.hidden.add(value);
}

function mask(value: Json, walk: Walk): Json {
  if (Array.isArray(value)) return value.map((one) => mask(one, walk));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        mask(one as Json, { ...walk, under: walk.under || isHidden(name, walk.names) }),
      ]),
    );
  if (value === null || typeof value === "boolean") return value;
  if (walk.under) return MASK;
  return typeof value === "string" && [...walk.hidden].some((one) => value.includes(one)) ? MASK : value;
}

/** Samples of the recipe that this installation's rules are for, by name. */
export function samplesOf(source: SourceModel, wanted: ReadonlySet<string>): readonly (readonly [string, Json])[] {
  return [...source.recipe.samples.values()]
    .filter((sample) => wanted.has(sample.name))
    .map((sample) => [sample.name, sample.body] as const);
}
