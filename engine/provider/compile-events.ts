/** Compiles `events:`: how id, type, time and rank are found, with one byte scan for all body paths where there is no batch. */
import { MAX_JSON_DEPTH } from "../core/json.ts";
import { compileJsonPaths, type JsonPaths } from "../core/json-paths.ts";
import type { EventsYaml } from "./events.schema.ts";
import type { Faults } from "./faults.ts";
import { compileRefOrTemplate, holesOf, type Ref, type Template } from "./template.ts";

/** One way to name an event. */
export type IdCandidate =
  | { readonly kind: "template"; readonly template: Template; readonly composite: boolean }
  | { readonly kind: "hash" };

export type TimeUnit = "s" | "ms" | "iso8601" | "http_date";

export interface RankPattern {
  readonly rank: number;
  /** The pattern cut at its stars. */
  readonly pieces: readonly string[];
  /** Literal characters: the longest pattern that matches counts. */
  readonly weight: number;
}

export interface FormPayload {
  readonly field: string;
  readonly base64: boolean;
  readonly format: "json" | "xml";
}

export interface EventsModel {
  readonly body: "auto" | "json" | "form" | "json_lines" | "xml";
  /** The form field that holds the payload. */
  readonly formPayload?: FormPayload;
  /** "" when the body itself is the list; absent for single events. */
  readonly items?: string;
  readonly ids: readonly IdCandidate[];
  readonly types: readonly Template[];
  readonly times: readonly Template[];
  readonly timeUnit: TimeUnit;
  readonly exactRanks: ReadonlyMap<string, number>;
  readonly rankPatterns: readonly RankPattern[];
  /** All body paths of ids, types and times. */
  readonly paths: JsonPaths;
  /** Containers inside one another that are still read. */
  readonly maxDepth: number;
  readonly tenant?: string;
  readonly version?: string;
  readonly thin: boolean;
  readonly entity?: { readonly type: string; readonly id: string };
}

const many = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** Compiles the `events:` of a recipe. */
export function compileEvents(raw: EventsYaml, faults: Faults): EventsModel {
  const templates = (key: string, texts: readonly string[]) =>
    texts.flatMap((text, index) => {
      if (key === "type" && text.startsWith("=")) return [[text.slice(1)] as Template];
      const template = faults.take(texts.length === 1 ? [key] : [key, index], text, compileRefOrTemplate(text));
      return template === undefined ? [] : [template];
    });
  const ids = many(raw.id).length === 0 ? ["hash"] : many(raw.id);
  const idTemplates = ids.map((text) => (text === "hash" ? undefined : templates("id", [text])[0]));
  const types = templates("type", raw.type === undefined ? ["=event"] : many(raw.type));
  const times = templates("time", many(raw.time?.from));
  const ranks = compileRanks(raw.ranks ?? []);
  const named = [
    ["tenant", raw.tenant],
    ["version", raw.version],
    ["entity", raw.entity?.id],
  ] as const;
  for (const [key, text] of named) {
    if (text !== undefined) faults.take(key === "entity" ? [key, "id"] : [key], text, compileRefOrTemplate(text));
  }
  const all = [...idTemplates, ...types, ...times].flatMap((template) =>
    template === undefined ? [] : holesOf(template),
  );
  return {
    body: raw.body ?? "auto",
    ...formPayload(raw, faults),
    ...(raw.items === undefined ? {} : { items: raw.items === "." ? "" : raw.items }),
    ids: idTemplates.map(idCandidate),
    types,
    times,
    timeUnit: raw.time?.unit ?? "iso8601",
    ...ranks,
    paths: compileJsonPaths(new Set(all.flatMap((hole) => (hole.ref.kind === "body" ? [hole.ref.path] : [])))),
    maxDepth: MAX_JSON_DEPTH,
    ...(raw.tenant === undefined ? {} : { tenant: raw.tenant }),
    ...(raw.version === undefined ? {} : { version: raw.version }),
    thin: raw.thin ?? false,
    ...(raw.entity === undefined ? {} : { entity: raw.entity }),
  };
}

function formPayload(raw: EventsYaml, faults: Faults): Pick<EventsModel, "formPayload"> {
  const { form_json_field: short, form_payload: long } = raw;
  if (short !== undefined && long !== undefined)
    faults.add(["form_json_field"], "HK3002", "`form_json_field` is the short form of `form_payload`", "one of them");
  if (long !== undefined)
    return { formPayload: { field: long.field, base64: long.encoding === "base64", format: long.format } };
  return short === undefined ? {} : { formPayload: { field: short, base64: false, format: "json" } };
}

function idCandidate(template: Template | undefined): IdCandidate {
  if (template === undefined) return { kind: "hash" };
  return { kind: "template", template, composite: template.length > 1 };
}

/** Rank 0 is for types that are not listed. */
function compileRanks(raw: NonNullable<EventsYaml["ranks"]>): Pick<EventsModel, "exactRanks" | "rankPatterns"> {
  const exactRanks = new Map<string, number>();
  const rankPatterns: RankPattern[] = [];
  raw.forEach((entry, index) => {
    for (const pattern of many(entry)) {
      if (!pattern.includes("*")) exactRanks.set(pattern, index + 1);
      else {
        const pieces = pattern.split("*");
        rankPatterns.push({ rank: index + 1, pieces, weight: pieces.join("").length });
      }
    }
  });
  rankPatterns.sort((a, b) => b.weight - a.weight);
  return { exactRanks, rankPatterns };
}

/** Rank of an event type: the exact entry, else the longest pattern, else 0. */
export function rankOf(events: EventsModel, type: string): number {
  const exact = events.exactRanks.get(type);
  if (exact !== undefined) return exact;
  return events.rankPatterns.find((pattern) => matchesPieces(type, pattern.pieces))?.rank ?? 0;
}

function matchesPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? "";
  const last = pieces.at(-1) ?? "";
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const at = text.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return from <= text.length - last.length;
}

/** References whose headers must not be repeated. */
export function refsOfEvents(events: EventsModel): readonly Ref[] {
  const ids = events.ids.flatMap((id) => (id.kind === "hash" ? [] : [id.template]));
  return [...ids, ...events.types, ...events.times].flatMap((template) => holesOf(template).map((hole) => hole.ref));
}
