/** How an entity may be called where people read: a key that is personal data is not shown. */
import type { SinkContext, SinkDelivery } from "./index.ts";

/** The entity's key, or `…` when the id it is taken from is a sensitive attribute (a lead known by its e-mail). */
export function shownKey({ entity }: SinkDelivery, entities: SinkContext["entities"]): string {
  const model = entities.get(entity.type);
  const idName = model?.ids[0];
  const sensitive = idName !== undefined && model?.attributes.get(idName)?.sensitive === true;
  return sensitive ? "…" : entity.key;
}
