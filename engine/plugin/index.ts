/**
 * The public plugin API (`hookrail/plugin`): what a file in `plugins/` may import, and all it may import.
 *
 * Life cycle of a sink: 1. its `config` schema validates the connection in YAML; 2. `open(settings, ctx)` is
 * called once for each connection; 3. `prepare` turns a delivery into a frozen request, once, at the first
 * attempt; 4. `send` is called for each attempt; 5. `close` is called at shutdown and reload, also after a
 * failed `open`. A throw from `send` means *unknown outcome*: it was perhaps applied.
 */
import type { TSchema } from "typebox";
import type { Clock } from "../core/clock.ts";
import type { Expression } from "../core/expression.ts";
import type { Secret } from "../core/secret.ts";
import type { ActionKind, AttributeWrite, Json, JsonObject, MaybePromise } from "../core/types.ts";
import type { Carries } from "./carries.ts";
import type { Preset } from "./preset.schema.ts";

export type { Clock } from "../core/clock.ts";
export { parseDuration } from "../core/duration.ts";
export { fail, HookrailError } from "../core/errors.ts";
export { closed, durationText, expressionText, flag, keyed, named, oneOf, secretText, text } from "../core/schema.ts";
export { Secret } from "../core/secret.ts";
export type { ActionKind, AttributeWrite, Json, JsonObject } from "../core/types.ts";
export { responseSchema, retryAfterSchema } from "./answers.schema.ts";
export { batchFaults } from "./batch-faults.ts";
export type { Carries } from "./carries.ts";
export { authSchema, bodySchema, httpSettings } from "./http.schema.ts";
export { badPatterns } from "./patterns.ts";
export { actionSchema, type Preset, type PresetAction } from "./preset.schema.ts";
export { type DigestInput, defineScheme, type SchemeDescriptor } from "./scheme.ts";
export { shownKey } from "./shown-key.ts";
export { partsExpressions } from "./sources.ts";

/** One value of a connection's settings; what the schema marks `x-secret` is a `Secret`. */
export type Setting = Json | Secret | readonly Setting[] | { readonly [key: string]: Setting };
/** The settings of a connection, validated. */
export type Settings = { readonly [key: string]: Setting };

/** What a sink promises, in the words `explain` prints. */
export type Guarantee = "exactly_once_effect" | "once_within_window" | "at_least_once";

/** One delivery as a sink sees it. */
export interface SinkDelivery {
  readonly id: string;
  /** Stable over retries, restarts and identical replays. */
  readonly idempotencyKey: string;
  readonly action: string;
  readonly kind: ActionKind;
  readonly entity: {
    readonly type: string;
    readonly key: string;
    readonly ids: Readonly<Record<string, string>>;
    readonly state?: string;
  };
  /** Upserts: only what is to be set or cleared. Effects: the entity's known values, all `set`. */
  readonly attributes: Readonly<Record<string, AttributeWrite>>;
  /** Grows with each change of the entity: the guard against late writes. */
  readonly entityVersion: number;
  /** `event:` of the deliver entry; else the source's event type. */
  readonly eventName: string;
  /** Extra fields of the deliver entry, evaluated. */
  readonly params: JsonObject;
  readonly event: {
    readonly id: string;
    readonly providerId: string;
    readonly type: string;
    readonly source: string;
    readonly occurredAt: number;
    readonly receivedAt: number;
  };
  readonly pipeline: string;
}

/** What is frozen at the first attempt. For HTTP: method, path, headers that are not credentials, body. */
export interface FrozenRequest {
  /** Shown by `explain`, e.g. `PUT /customers/cus_1`. */
  readonly summary: string;
  readonly data: JsonObject;
}

export interface SendContext {
  /** 1 for the first attempt. */
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
  readonly entityVersion: number;
  /** W3C trace context of this attempt, for sinks that take one: a header, never a part of what is frozen. */
  readonly traceparent?: string;
}

/** What one attempt came to. `detail` is for people: no secrets, no bodies with personal data. */
export type Outcome =
  | {
      readonly kind: "delivered";
      readonly status?: number;
      readonly detail?: string /** A repeat or a late write the sink itself ignored. */;
      readonly noEffect?: "repeated" | "superseded";
    }
  | {
      readonly kind: "retry";
      readonly status?: number;
      readonly detail: string;
      readonly afterMs?: number;
      readonly throttled?: boolean;
    }
  | { readonly kind: "rejected"; readonly status?: number; readonly detail: string }
  /** The connection is at fault (401, 403, 407): it is paused, no attempt is burned. */
  | {
      readonly kind: "pause";
      readonly status?: number;
      readonly detail: string /** 410: the delivery dies too. */;
      readonly dead?: boolean;
    }
  /** Sent, no answer: perhaps applied. */
  | { readonly kind: "unknown"; readonly detail: string };

/** How deliveries of an action share a request. */
export interface BatchPlan {
  readonly maxItems: number;
  /** How long the first waits for others, ms. */
  readonly flushMs: number;
  /** Only deliveries of the same attributes share one. */
  readonly byKeySet: boolean;
}

/** Several deliveries in one request, where the sink takes lists. */
export interface SinkBatches {
  /** Undefined: one by one. Pure. */
  planOf(action: string): BatchPlan | undefined;
  /** Which of these requests go out as one: indexes, the first always among them. Pure. */
  choose(requests: readonly FrozenRequest[]): readonly number[];
  /** One outcome for each, in order. A throw means that all are unknown. */
  send(requests: readonly FrozenRequest[], contexts: readonly SendContext[]): Promise<readonly Outcome[]>;
}

/** A GET for a thin event; the path, with its query, goes behind the connection's host. */
export interface GetRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a GET came to. `gone`: 404 or 410. `cut`: more than may be kept, or it broke off: nothing of it is used. */
export type GetAnswer =
  | { readonly kind: "found"; readonly body: string }
  | { readonly kind: "gone"; readonly detail: string }
  | { readonly kind: "cut"; readonly limit: number }
  | Exclude<Outcome, { readonly kind: "delivered" }>;

/** An opened connection. */
export interface OpenSink {
  /** Pure: the request for one delivery. Throws a `HookrailError` where the delivery can't be said to this sink. */
  prepare(delivery: SinkDelivery): MaybePromise<FrozenRequest>;
  send(request: FrozenRequest, context: SendContext): Promise<Outcome>;
  readonly batches?: SinkBatches;
  /** Reads one object, for `fetch:` of a rule; nothing is changed there. */
  get?(request: GetRequest, signal: AbortSignal): Promise<GetAnswer>;
  /** A harmless call, for `check --online`. */
  probe?(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Rows of a query that only reads, a few at a time: for `hookrail seed`. */
  rows?(query: string): AsyncIterable<Readonly<Record<string, unknown>>>;
  close(): Promise<void>;
}

/** HTTP as a sink may use it: guarded against private addresses, no redirects, bounded answers. */
export interface SinkHttp {
  request(request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array;
    readonly signal: AbortSignal;
    /** Most of the answer's body that is kept; else what the client keeps. */
    readonly maxBytes?: number;
    /** The answer is no text: its body comes with one character (U+0000 to U+00FF) for each byte. */
    readonly binary?: boolean;
  }): Promise<HttpAnswer>;
  /** Ends kept connections; a sink calls it when it is closed. */
  close?(): Promise<void>;
}

/** `sent` false: the request surely never left (refused address, connect failure); true: perhaps it did. */
export type HttpAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly truncated: boolean;
    }
  | {
      readonly ok: false;
      readonly sent: boolean;
      readonly reason: "refused_address" | "dns" | "connect" | "tls" | "timeout" | "reset" | "aborted" | "too_large";
      readonly detail: string;
    };

export interface SinkContext {
  readonly connection: string;
  readonly clock: Clock;
  readonly http: SinkHttp;
  /** Entities as declared: attribute names and types, for sinks that need a schema. */
  readonly entities: ReadonlyMap<
    string,
    {
      readonly ids: readonly string[];
      readonly attributes: ReadonlyMap<string, { readonly type: string; readonly sensitive: boolean }>;
      readonly hasStates: boolean;
    }
  >;
  /** Resolves a path relative to the folder of `config.yaml`; throws when it leaves it. */
  resolvePath(path: string): string;
  evaluate(
    expression: Expression,
    input: Json,
    variables?: Readonly<Record<string, Json | undefined>>,
  ): Promise<Json | undefined>;
  compile(source: string): Expression;
  /** Runs a declarative HTTP preset: for sinks that are only another spelling of one, as `http` is. */
  openPreset(preset: Preset, settings: Settings): Promise<OpenSink>;
}

/** A fault of a connection's settings that its schema has no word for. */
export interface SettingFault {
  readonly severity: "error" | "warning";
  /** Keys below the connection. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** An expression inside settings, for `check` to compile. */
export interface SettingExpression {
  readonly path: readonly (string | number)[];
  readonly source: string;
}

export interface ActionDescriptor {
  readonly kind: ActionKind;
  readonly summary: string;
  /** Fields of a deliver entry this action takes; closed: others are an error. */
  readonly params?: TSchema;
  /** Takes any field: for sinks whose actions are not known beforehand. */
  readonly openParams?: boolean;
  /** What the same request does when it comes twice: it converges, the sink knows its key, or it acts again (default). */
  readonly repeat?: "safe" | "dedup_key" | "unsafe";
  /** What it can say of attributes; for `check`. Absent: anything. */
  readonly carries?: Carries;
}

export interface SinkDescriptor {
  readonly name: string;
  readonly summary: string;
  /** TypeBox object schema of the connection's own settings. */
  readonly config: TSchema;
  readonly guarantee: Guarantee;
  /** How long the sink remembers an idempotency key, ms; retries stay inside 0.9 of it. */
  readonly idempotencyWindowMs?: number;
  /** The same, where the connection's settings say it; pure. */
  idempotencyWindowOf?(settings: Settings): number | undefined;
  /** `*`: any action name is taken (http, file). */
  readonly actions: Readonly<Record<string, ActionDescriptor>>;
  /** The action when a deliver entry names none. */
  readonly defaultAction: string;
  /** Marks each attempt durably before it is sent; false for sinks whose transaction makes repeats harmless. */
  readonly marksAttempts: boolean;
  /** It acts within this process: what it had begun ends with the engine, and nothing need be waited out after a crash. */
  readonly local?: boolean;
  /** Limits of the sink's own, where the connection declares none. */
  readonly defaults?: {
    /** All of them hold. */
    readonly rates?: readonly { readonly count: number; readonly perMs: number }[];
    readonly concurrency?: number;
  };
  /** The actions of one connection, where its settings name them; instead of `actions`. The first is the default. */
  actionsOf?(settings: Settings): Readonly<Record<string, ActionDescriptor>>;
  /** Pure; for `check`: `true` when a rule may `fetch:` over such a connection, else why not. Absent: it may not. */
  reads?(settings: Settings): true | string;
  /** Pure; for `check`: what is wrong with the settings beyond their schema. */
  check?(settings: Settings): readonly SettingFault[];
  /** Pure; for `check`: the expressions the settings hold. */
  expressions?(settings: Settings): readonly SettingExpression[];
  open(settings: Settings, context: SinkContext): Promise<OpenSink>;
}

/** Declares a sink. The file's default export; its name is the file's name. */
export function defineSink(descriptor: SinkDescriptor): SinkDescriptor {
  return Object.freeze({ ...descriptor });
}
