/** What the expressions of a sink preset read: one delivery, without secrets. */
import { createHash } from "node:crypto";
import { Secret } from "../core/secret.ts";
import type { Json, JsonObject } from "../core/types.ts";
import type { Setting, Settings, SinkContext, SinkDelivery } from "../plugin/index.ts";
import { shownKey } from "../plugin/shown-key.ts";
import type { EncodedAttributes } from "./encode.ts";
import { percentEncode } from "./template.ts";

/** The scope of one delivery; `text` is added where an action has message templates. */
export function buildScope(delivery: SinkDelivery, encoded: EncodedAttributes, settings: Settings): JsonObject {
  const attributes: Record<string, Json> = {};
  for (const [name, write] of Object.entries(delivery.attributes)) if ("set" in write) attributes[name] = write.set;
  const { entity, event } = delivery;
  return {
    entity: {
      type: entity.type,
      key: entity.key,
      ids: entity.ids,
      ...(entity.state === undefined ? {} : { state: entity.state }),
    },
    attributes,
    fields: encoded.fields,
    clear: encoded.clear,
    event: {
      name: delivery.eventName,
      id: event.id,
      provider_id: event.providerId,
      type: event.type,
      source: event.source,
      occurred_at: new Date(event.occurredAt).toISOString(),
      occurred_at_seconds: Math.floor(event.occurredAt / 1000),
      received_at: new Date(event.receivedAt).toISOString(),
    },
    delivery: {
      id: delivery.id,
      action: delivery.action,
      pipeline: delivery.pipeline,
      idempotency_key: delivery.idempotencyKey,
      ulid: ulidOf(delivery.idempotencyKey, event.receivedAt),
      uuid: uuidOf(delivery.idempotencyKey),
      entity_version: delivery.entityVersion,
    },
    params: delivery.params,
    settings: plainSettings(settings),
    own: ownSettings(settings, entity.type),
  };
}

/** Of the settings that are mappings by entity: this entity's members. */
function ownSettings(settings: Settings, type: string): JsonObject {
  const own: Record<string, Json> = {};
  for (const [name, value] of Object.entries(plainSettings(settings))) {
    const member =
      typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === type) : undefined;
    if (member !== undefined) own[name] = member[1];
  }
  return own;
}

/** Settings without the secret ones: an expression can not read a credential. */
export function plainSettings(settings: Settings): JsonObject {
  const plain: Record<string, Json> = {};
  for (const [name, value] of Object.entries(settings)) {
    const json = withoutSecrets(value);
    if (json !== undefined) plain[name] = json;
  }
  return plain;
}

function withoutSecrets(value: Setting): Json | undefined {
  if (value instanceof Secret) return undefined;
  if (isList(value)) return value.flatMap((item) => withoutSecrets(item) ?? []);
  if (typeof value === "object" && value !== null) return plainSettings(value);
  return value;
}

const isList = (value: Setting): value is readonly Setting[] => Array.isArray(value);

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A ULID that is the same for the same key: for sinks that dedupe events by one (Customer.io). */
export function ulidOf(key: string, time: number): string {
  const digest = createHash("sha256").update(key).digest();
  let value = (BigInt(Math.max(0, Math.floor(time))) << 80n) | BigInt(`0x${digest.subarray(0, 10).toString("hex")}`);
  let out = "";
  for (let i = 0; i < 26; i++) {
    out = (CROCKFORD[Number(value & 31n)] ?? "0") + out;
    value >>= 5n;
  }
  return out;
}

/** A UUID (version 8, RFC 9562) that is the same for the same key. */
export function uuidOf(key: string): string {
  const bytes = createHash("sha256").update(key).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A plain line for a message without a template of its own; sensitive attributes stay out. */
export function defaultText(delivery: SinkDelivery, entities: SinkContext["entities"]): string {
  const { entity, params, attributes } = delivery;
  const title = typeof params["template"] === "string" ? params["template"] : delivery.eventName;
  const declared = entities.get(entity.type)?.attributes;
  const known = Object.entries(attributes)
    .flatMap(([name, write]) =>
      "set" in write && declared?.get(name)?.sensitive === false ? [`${name} ${shown(write.set)}`] : [],
    )
    .join(", ");
  const state = entity.state === undefined ? "" : ` (${entity.state})`;
  return `${title.replaceAll("_", " ")}: ${entity.type} ${shownKey(delivery, entities)}${state}${known === "" ? "" : `: ${known}`}`;
}

const shown = (value: Json) => (typeof value === "string" ? value : JSON.stringify(value));

/** A summary is shown by `explain`: what is sensitive of the delivery is taken out of the path it quotes. */
export function hideSensitive(summary: string, delivery: SinkDelivery, entities: SinkContext["entities"]): string {
  const declared = entities.get(delivery.entity.type)?.attributes;
  const texts = new Set<string>();
  const add = (name: string | undefined, value: Json) => {
    const sensitive = name !== undefined && declared?.get(name)?.sensitive === true;
    if (sensitive && String(value) !== "" && String(value).isWellFormed()) texts.add(String(value));
  };
  add(entities.get(delivery.entity.type)?.ids[0], delivery.entity.key);
  for (const [name, value] of Object.entries(delivery.entity.ids)) add(name, value);
  for (const [name, write] of Object.entries(delivery.attributes)) if ("set" in write) add(name, write.set);
  let shown = summary;
  for (const text of texts) shown = shown.replaceAll(percentEncode(text), "…").replaceAll(text, "…");
  return shown;
}
