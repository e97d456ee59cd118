/** Routes of the admin API that change the store as a whole: seeds and erasures. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { Json } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import type { SeedRow } from "../flow/seed.ts";
import type { StoreLife } from "../flow/store-life.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { count, list, reasonMember, shape, text, words } from "./admin-shapes.ts";

export interface LifeDeps {
  readonly life: StoreLife;
}

const MAX_SEED_BYTES = 8 * 1024 * 1024;

const reason = Type.Optional(reasonMember);
const texts = (description: string) => Type.Record(Type.String(), text(), { description });

export const LIFE_ROUTES: readonly Route<LifeDeps>[] = [
  {
    id: "seed",
    summary:
      "Loads entities from what the CRM already knows, some rows at a time; those that are there stay as they are",
    method: "POST",
    path: "/api/v1/seed",
    right: "seed",
    maxBytes: MAX_SEED_BYTES,
    body: shape({
      entity: text(),
      rows: list(
        shape({
          key: text(),
          ids: texts("Other ids, by name."),
          attributes: Type.Object({}),
          state: Type.Optional(text()),
          parent: Type.Optional(text()),
        }),
      ),
      last: Type.Optional(shape({ from: text("Where it all came from."), rows: count() })),
      reason,
    }),
    answer: shape({ created: count(), existing: count(), taken: count(), erased: count() }),
    run: seed,
  },
  {
    id: "erase",
    summary: "Counts or forgets all that is held of an entity, or lets an erased one come back",
    method: "POST",
    path: "/api/v1/erase",
    right: "erase",
    body: shape({ entity: text(), id: text(), mode: words(["look", "erase", "lift"]), reason }),
    answer: shape({
      entities: count(),
      events: count(),
      deliveries: count(),
      bodies: count(),
      kept: count(),
      lifted: Type.Boolean(),
    }),
    run: erase,
  },
  {
    id: "judgeSecret",
    summary: "Shows, accepts or discards a secret that a provider told in its handshake",
    method: "POST",
    path: "/api/v1/secrets",
    right: "secrets",
    body: shape({ source: text(), secret: text(), verb: words(["show", "accept", "discard"]), reason }),
    answer: Type.Object({}),
    run: secret,
  },
];

async function seed({ body, actor }: Call, { life }: LifeDeps): Promise<Answer> {
  const { entity, rows, last } = body;
  if (typeof entity !== "string" || !Array.isArray(rows) || !rows.every(isSeedRow))
    return fail("HK8018", { problem: "a seed is { entity, rows: [{ key, ids, attributes }] }" });
  const result = await life.seed({ entity, rows, ...lastOf(last) }, { actor, reason: reasonOf(body) });
  return { document: { ...result } };
}

async function erase({ body, actor }: Call, { life }: LifeDeps): Promise<Answer> {
  const { entity, id, mode } = body;
  if (typeof entity !== "string" || typeof id !== "string" || id === "" || !isMode(mode))
    return fail("HK8018", { problem: "an erasure is { entity, id, mode: look, erase or lift }" });
  return { document: { ...(await life.erase({ entity, id, mode }, { actor, reason: reasonOf(body) })) } };
}

async function secret({ body, actor }: Call, { life }: LifeDeps): Promise<Answer> {
  const { source, secret, verb } = body;
  if (typeof source !== "string" || typeof secret !== "string" || !isSecretVerb(verb))
    return fail("HK8018", { problem: "a secret is judged with { source, secret, verb: show, accept or discard }" });
  return { document: { ...(await life.secret({ source, secret, verb }, { actor, reason: reasonOf(body) })) } };
}

const isSecretVerb = (verb: Json | undefined): verb is "show" | "accept" | "discard" =>
  verb === "show" || verb === "accept" || verb === "discard";

const isMode = (mode: Json | undefined): mode is "look" | "erase" | "lift" =>
  mode === "look" || mode === "erase" || mode === "lift";

function isSeedRow(row: unknown): row is SeedRow {
  if (!isJsonObject(row as Json)) return false;
  const { key, ids, attributes, state = "", parent = "" } = row as { readonly [name: string]: Json };
  return (
    [key, state, parent].every((text) => typeof text === "string") && isJsonObject(ids) && isJsonObject(attributes)
  );
}

function lastOf(last: Json | undefined): { readonly last?: { readonly from: string; readonly rows: number } } {
  if (!isJsonObject(last)) return {};
  return { last: { from: String(last["from"] ?? ""), rows: Number(last["rows"] ?? 0) } };
}

function reasonOf(body: Call["body"]): string {
  return typeof body["reason"] === "string" ? body["reason"] : "";
}
