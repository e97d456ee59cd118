/** Whether a change of revisions touches names that live rows may hold. */
import { namesOf } from "../config/names.ts";
import type { Revision } from "../config/revision.ts";
import type { NameKind } from "../store/store.ts";

/** True when putting `next` in force renames or drops what `before` declares: then nothing may be in flight. */
export function touchesNames(before: Revision, next: Revision): boolean {
  const names = namesOf(before);
  return (Object.keys(names) as NameKind[]).some((kind) => {
    const known = new Set(names[kind]);
    return [...Object.keys(next.moved[kind]), ...next.drop[kind]].some((name) => known.has(name));
  });
}
