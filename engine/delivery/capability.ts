/** What `check` refuses before anything is sent: a pipeline that asks of a sink what it can not say or keep. */
import type { AttributeModel, EntityModel } from "../core/entity.ts";
import { errorMessage } from "../core/errors.ts";
import type { ActionDescriptor, Carries, SinkDescriptor } from "../plugin/index.ts";
import type { DeliverEntry } from "./deliver.schema.ts";
import { guaranteeOf } from "./guarantee.ts";
import type { ConnectionModel, EntryFault } from "./model.ts";
import { mapOf } from "./opened.ts";

/** One entry of `deliver:` and what it is about. */
export interface Asked {
  readonly entry: DeliverEntry;
  readonly action: string;
  readonly descriptor: ActionDescriptor;
  readonly connection: ConnectionModel;
  readonly entities: readonly EntityModel[];
}

/** The attributes an upsert may carry that the sink can not, and a repeat that it would act on twice. */
export function checkCapability(asked: Asked): readonly EntryFault[] {
  return asked.descriptor.kind === "upsert" ? checkAttributes(asked) : checkRepeat(asked);
}

function checkAttributes({ entry, action, descriptor, connection, entities }: Asked): EntryFault[] {
  const { carries } = descriptor;
  if (carries === undefined) return [];
  const sink = connection.sink.name;
  const names = mapOf(connection.settings["attribute_names"]);
  return entities.flatMap((entity) => {
    const seen = new Map<string, string>();
    const pattern = patternFor(entity, carries.names, connection);
    return sentOf(entry, entity).flatMap((attribute): EntryFault[] => {
      const { name, type, clearable } = attribute;
      const theirs = names[name] ?? name;
      const twin = seen.get(theirs);
      seen.set(theirs, name);
      const data = { sink, action, attribute: `${entity.name}.${name}`, name: theirs };
      const fault = (code: EntryFault["code"], more: Readonly<Record<string, string>> = {}): EntryFault => ({
        code,
        severity: "error",
        path: placeOf(entry, name),
        message: errorMessage(code, { ...data, ...more }),
      });
      return [
        ...(clearable && !carries.clear ? [fault("HK1200")] : []),
        ...((type === "list" || type === "object") && !carries.structured ? [fault("HK1201", { type })] : []),
        ...(pattern !== undefined && !new RegExp(pattern).test(theirs) ? [fault("HK1202", { pattern })] : []),
        ...(twin === undefined ? [] : [fault("HK1203", { other: `${entity.name}.${twin}` })]),
      ];
    });
  });
}

/** What names of an entity must match there; what it is mapped to may decide. */
function patternFor({ name }: EntityModel, names: Carries["names"], { settings }: ConnectionModel): string | undefined {
  if (names === undefined || typeof names === "string") return names;
  const mapped = settings[names.setting] === undefined ? names.defaults : mapOf(settings[names.setting]);
  const kind = mapped[name];
  return kind === undefined ? undefined : names.patterns[kind];
}

/** An upsert carries what `fields` or `on_change` names; else all that the entity has. */
function sentOf({ fields, on_change: onChange }: DeliverEntry, { attributes }: EntityModel): readonly AttributeModel[] {
  const named = fields ?? onChange;
  return [...attributes.values()].filter(({ name }) => named === undefined || named.includes(name));
}

function placeOf(entry: DeliverEntry, attribute: string): readonly (string | number)[] {
  const key = entry.fields !== undefined ? "fields" : entry.on_change !== undefined ? "on_change" : undefined;
  return key === undefined ? ["to"] : [key, entry[key]?.indexOf(attribute) ?? 0];
}

/** A message that may come twice is a decision, and it is written down. */
function checkRepeat({ action, descriptor, connection }: Asked): EntryFault[] {
  if (descriptor.repeat !== "unsafe" || connection.repeatsDecided) return [];
  const guarantee = guaranteeOf(connection, action);
  if (guarantee.kind !== "at_least_once" || guarantee.repeat !== "acts_again") return [];
  const message = errorMessage("HK1205", { connection: connection.name, action });
  return [{ code: "HK1205", severity: "warning", path: ["to"], message }];
}

/** `at_most_once` where a repeat does no harm gives up on deliveries for nothing. */
export function checkAtMostOnce(
  sink: SinkDescriptor,
  actions: Readonly<Record<string, ActionDescriptor>>,
): EntryFault | undefined {
  const offered = Object.values(actions);
  const harmless =
    sink.guarantee === "exactly_once_effect" ||
    (offered.length > 0 && offered.every(({ repeat }) => repeat === "safe"));
  if (!harmless) return undefined;
  const message = errorMessage("HK1204", { sink: sink.name });
  return { code: "HK1204", severity: "warning", path: ["at_most_once"], message };
}
