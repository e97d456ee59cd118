/** What the pages of the site are made from. */
import type { Revision } from "../config/revision.ts";
import type { InventoryLine } from "./inventory.ts";
import type { MappingLine } from "./mapping-table.ts";
import { upFrom } from "./page.ts";
import type { LinkContext } from "./rows.ts";

export interface SiteData {
  readonly revision: Revision;
  readonly mapping: readonly MappingLine[];
  readonly events: readonly InventoryLine[];
  readonly sensitive: ReadonlySet<string>;
  readonly toRoot: string;
}

export const contextAt = ({ revision, toRoot }: SiteData, path: string): LinkContext => ({
  up: upFrom(path),
  toRoot,
  teams: new Set(revision.teams.keys()),
});
