/** The names a revision declares: what `moved:` and `drop:` speak of, and live rows in the store refer to. */
import type { EntityModel } from "../core/entity.ts";
import type { DropModel } from "./operations.ts";
import type { Revision } from "./revision.ts";

/** Attributes and states as `entity.name`. */
export function namesOf(
  revision: Pick<Revision, "entities" | "connections" | "sources"> & {
    readonly pipelines: readonly { readonly name: string }[];
  },
): DropModel {
  const entities = [...revision.entities.values()];
  const of = (model: EntityModel, names: Iterable<string>) => [...names].map((name) => `${model.name}.${name}`);
  return {
    pipelines: revision.pipelines.map((one) => one.name),
    sources: [...revision.sources.keys()],
    connections: [...revision.connections.keys()],
    entities: entities.map((one) => one.name),
    attributes: entities.flatMap((one) => of(one, one.attributes.keys())),
    states: entities.flatMap((one) => of(one, one.states)),
  };
}
