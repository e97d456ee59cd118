/** What is there when all of a trace has arrived: entities, what stands in each sink, and events that are not done. */
import type { EntityModel } from "../core/entity.ts";
import type { Json } from "../core/types.ts";
import { sameJson } from "../core/values.ts";
import type { EntityRecord } from "../store/store.ts";
import type { Acknowledged, World, Written } from "./trace-world.ts";

export interface Seen {
  readonly value: Json;
  readonly by?: Written;
  /** Its value is not shown. */
  readonly sensitive: boolean;
}

/** `subscription sub_1.plan`, `customer cus_1.tier at crm`, `event 2 in paid-premium` -> what is there. */
export type View = ReadonlyMap<string, Seen>;

/** One place where two orders end differently. */
export interface Divergence {
  readonly where: string;
  readonly first: Seen | undefined;
  readonly second: Seen | undefined;
}

export interface Observable {
  readonly entities: Iterable<EntityRecord>;
  readonly sinks: Iterable<
    Pick<Acknowledged, "connection" | "entity" | "values"> & { readonly by?: Acknowledged["by"] }
  >;
  /** `event pipeline`, the event by its position from 0 -> `held`, or the code of its dead letter. */
  readonly open: Iterable<readonly [string, string]>;
  readonly written?: ReadonlyMap<string, Written>;
}

export function viewOf(observable: Observable, models: ReadonlyMap<string, EntityModel>): View {
  const view = new Map<string, Seen>();
  for (const record of observable.entities) addEntity(view, record, { models, written: observable.written });
  for (const { connection, entity, values, by } of observable.sinks) {
    for (const [name, value] of Object.entries(values)) {
      // A blank and a value that never was are the same to whoever reads the CRM.
      const attribute = models.get(entity.type)?.attributes.get(name);
      if (value === null || attribute?.write === "once") continue;
      const wrote = by?.[name];
      const sensitive = attribute?.sensitive ?? false;
      view.set(`${entity.type} ${entity.key}.${name} at ${connection}`, {
        value,
        sensitive,
        ...(wrote === undefined ? {} : { by: wrote }),
      });
    }
  }
  for (const [key, what] of observable.open) {
    const [event, pipeline] = key.split(" ");
    view.set(`event ${Number(event) + 1} in ${pipeline}`, {
      value: what === "held" ? "held" : `dead letter ${what}`,
      sensitive: false,
    });
  }
  return view;
}

function addEntity(
  view: Map<string, Seen>,
  record: EntityRecord,
  context: { models: ReadonlyMap<string, EntityModel>; written: ReadonlyMap<string, Written> | undefined },
): void {
  const entity = `${record.type} ${record.key}`;
  const put = (what: string, value: Json | undefined, sensitive = false): void => {
    if (value === undefined || value === null) return;
    const by = context.written?.get(`${record.type}/${record.key}.${what}`);
    view.set(`${entity}.${what}`, { value, sensitive, ...(by === undefined ? {} : { by }) });
  };
  if (record.tombstone !== undefined) put("delete", record.tombstone.erased ? "erased" : "deleted");
  else view.set(entity, { value: "there", sensitive: false });
  put("state", record.state === "unknown" ? undefined : record.state);
  put("parent", record.parent === undefined ? undefined : `${record.parent.type} ${record.parent.key}`);
  for (const [id, value] of Object.entries(record.ids)) put(`link:${id}`, value);
  const model = context.models.get(record.type);
  for (const [name, stored] of Object.entries(record.attributes)) {
    const attribute = model?.attributes.get(name);
    // `write: once` keeps what came first: the author has said that the order of arrival decides.
    if (attribute?.write !== "once") put(name, stored.value, attribute?.sensitive);
  }
}

export const viewOfWorld = (world: World, models: ReadonlyMap<string, EntityModel>): View =>
  viewOf(
    {
      entities: world.entities.values(),
      sinks: world.acknowledged.values(),
      open: world.open,
      written: world.written,
    },
    models,
  );

/** Where two views differ, attributes and states before sinks. */
export function compareViews(first: View, second: View): Divergence[] {
  const places = [...new Set([...first.keys(), ...second.keys()])];
  return places
    .filter((where) => {
      const [a, b] = [first.get(where), second.get(where)];
      return a === undefined || b === undefined || !sameJson(a.value, b.value);
    })
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((where) => ({ where, first: first.get(where), second: second.get(where) }));
}

/** A sink that differs follows from an attribute that does: causes first. */
const rank = (where: string): number =>
  where.startsWith("event ") ? 2 : where.includes(" at ") ? 3 : where.includes(".") ? 0 : 1;
