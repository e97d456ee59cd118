/** Adding what is not written to a draft: only where it is absent, with the reason as its origin. */
import { formatDuration } from "../../core/duration.ts";
import type { Json } from "../../core/types.ts";
import type { Draft, Origins } from "./effective.ts";

export interface Filler {
  /** The mapping below a name, made where it is not there; `undefined` where something else is. */
  section(holder: Draft, name: string): Draft | undefined;
  /** `undefined` values are none. */
  add(holder: Draft | undefined, name: string, value: Json | undefined, why?: string): void;
}

export function createFiller(origins: Origins): Filler {
  return {
    section(holder, name) {
      if (holder[name] === undefined) holder[name] = {};
      const value = holder[name];
      return isDraft(value) ? value : undefined;
    },
    add(holder, name, value, why) {
      if (holder === undefined || value === undefined || Object.hasOwn(holder, name)) return;
      holder[name] = value;
      origins.set(holder, name, why === undefined ? "default" : `default: ${why}`);
    },
  };
}

export const isDraft = (value: unknown): value is Draft =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The mappings of a section, by name. */
export function membersOf(holder: Draft, section: string): readonly (readonly [string, Draft])[] {
  const all = holder[section];
  if (!isDraft(all)) return [];
  return Object.entries(all).flatMap(([name, value]) => (isDraft(value) ? [[name, value] as const] : []));
}

/** As the language writes a number of bytes. */
export function sizeText(bytes: number): string {
  for (const [unit, factor] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const)
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  return `${bytes}B`;
}

/** As the language writes a rate. */
export function rateText({ count, perMs }: { readonly count: number; readonly perMs: number }): string {
  const per = formatDuration(perMs);
  return `${count}/${per.replace(/^1(?=[a-z])/, "")}`;
}
