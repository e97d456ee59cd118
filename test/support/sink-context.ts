/** What a sink gets in tests: a real evaluator, a real HTTP client, a folder of its own. */
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "../../engine/core/clock.ts";
import { Secret } from "../../engine/core/secret.ts";
import type { AttributeWrite, Json } from "../../engine/core/types.ts";
import { createSinkContext } from "../../engine/delivery/context.ts";
import { createEvaluator } from "../../engine/mapping/evaluate.ts";
import { compileExpression } from "../../engine/mapping/expression.ts";
import { createSinkHttp } from "../../engine/network/client.ts";
import type { SendContext, SinkContext, SinkDelivery } from "../../engine/plugin/index.ts";

export const NOW = Date.UTC(2026, 10, 24, 6, 0, 0);

/** Entities as the tests know them. */
export const entities: SinkContext["entities"] = new Map([
  [
    "customer",
    {
      ids: ["stripe_id", "clerk_id"],
      hasStates: false,
      attributes: new Map(
        Object.entries({
          tier: "string",
          seats: "integer",
          mrr: "number",
          premium: "boolean",
          paid_until: "time",
          tags: "list",
          email: "string",
        }).map(([name, type]) => [name, { type, sensitive: name === "email" }] as const),
      ),
    },
  ],
  [
    "lead",
    {
      ids: ["email"],
      hasStates: true,
      attributes: new Map([
        ["email", { type: "string", sensitive: true }],
        ["company", { type: "string", sensitive: false }],
      ]),
    },
  ],
]);

export interface TestContext {
  readonly context: SinkContext;
  readonly clock: VirtualClock;
  close(): Promise<void>;
}

export function createTestContext(folder: string): TestContext {
  const clock = createVirtualClock(NOW);
  const evaluator = createEvaluator();
  const http = createSinkHttp({ allowPrivate: true, totalTimeoutMs: 2_000 });
  const context = createSinkContext({
    connection: "crm",
    clock,
    http,
    entities,
    resolvePath: (path) => join(folder, path),
    async evaluate(expression, input, variables = {}) {
      const result = await evaluator.evaluate(expression, { input, variables, receivedAt: NOW });
      if (!result.ok) throw new Error(`${result.code} ${result.message}`);
      return result.value;
    },
    compile(source) {
      const compiled = compileExpression(source, { needs: [] });
      if (!compiled.ok) throw new Error(compiled.faults.map(({ message }) => message).join("; "));
      return compiled.expression;
    },
  });
  return {
    context,
    clock,
    async close() {
      await evaluator.close();
      await http.close();
    },
  };
}

export interface DeliveryOverrides {
  readonly action?: string;
  readonly set?: Readonly<Record<string, Json>>;
  readonly clear?: readonly string[];
  readonly type?: string;
  readonly key?: string;
  readonly ids?: Readonly<Record<string, string>>;
  readonly state?: string;
  readonly version?: number;
  readonly idempotencyKey?: string;
  readonly event?: string;
  readonly params?: Readonly<Record<string, Json>>;
  readonly kind?: "upsert" | "effect";
}

/** A delivery about `cus_1`. */
export function delivery(over: DeliveryOverrides = {}): SinkDelivery {
  const attributes: Record<string, AttributeWrite> = {};
  for (const [name, value] of Object.entries(over.set ?? {})) attributes[name] = { set: value };
  for (const name of over.clear ?? []) attributes[name] = { clear: true };
  const key = over.key ?? "cus_1";
  return {
    id: "dlv_1",
    idempotencyKey: over.idempotencyKey ?? "key-1",
    action: over.action ?? "upsert",
    kind: over.kind ?? "upsert",
    entity: {
      type: over.type ?? "customer",
      key,
      ids: over.ids ?? { stripe_id: key },
      ...(over.state === undefined ? {} : { state: over.state }),
    },
    attributes,
    entityVersion: over.version ?? 1,
    eventName: over.event ?? "invoice.paid",
    params: over.params ?? {},
    event: {
      id: "evt_1",
      providerId: "evt_stripe_1",
      type: "invoice.paid",
      source: "stripe",
      occurredAt: NOW - 1_000,
      receivedAt: NOW,
    },
    pipeline: "paid-premium",
  };
}

export function sending(over: Partial<SendContext> = {}): SendContext {
  return { attempt: 1, idempotencyKey: "key-1", entityVersion: 1, signal: new AbortController().signal, ...over };
}

export const secret = (value: string) => new Secret(value);
