/** The names a revision declares: what live rows in the store refer to. */
import type { Revision } from "../config/revision.ts";
import type { NameKind, RevisionNames } from "../store/store.ts";

export function namesOf(revision: Revision): RevisionNames {
  const entities = [...revision.entities.values()];
  const of = (model: (typeof entities)[number], names: Iterable<string>) =>
    [...names].map((name) => `${model.name}.${name}`);
  return {
    pipelines: revision.pipelines.map((one) => one.name),
    sources: [...revision.sources.keys()],
    connections: [...revision.connections.keys()],
    entities: entities.map((one) => one.name),
    attributes: entities.flatMap((one) => of(one, one.attributes.keys())),
    states: entities.flatMap((one) => of(one, one.states)),
  };
}

/** True when putting `next` in force renames or drops what `before` declares: then nothing may be in flight. */
export function touchesNames(before: Revision, next: Revision): boolean {
  const names = namesOf(before);
  return (Object.keys(names) as NameKind[]).some((kind) => {
    const known = new Set(names[kind]);
    return [...Object.keys(next.moved[kind]), ...next.drop[kind]].some((name) => known.has(name));
  });
}
