/** `tests:` and `traces:` of a pipeline, compiled: names resolved, times in ms, positions kept for messages. */
import type { Json, SourcePosition } from "../core/types.ts";

export interface TestModel {
  readonly name: string;
  readonly description?: string;
  /** ms since the epoch; absent: the first sample's own time. */
  readonly start?: number;
  readonly before: readonly TestEvent[];
  readonly events: readonly TestEvent[];
  readonly order: "given" | "any";
  /** Connection -> its answers, one by one; after the last, 200. */
  readonly sinks: Readonly<Record<string, readonly SinkAnswer[]>>;
  /** How long the clock runs on after the last event; absent: until nothing is due. */
  readonly waitMs?: number;
  readonly expect: TestExpectation;
  readonly position: SourcePosition;
}

/** Connection -> path -> the object there; null: there is none. */
export type DeclaredObjects = Readonly<Record<string, Readonly<Record<string, Json>>>>;

export interface TestEvent {
  /** The source it comes in by. */
  readonly source: string;
  /** What it starts from. */
  readonly payload:
    | { readonly kind: "sample"; readonly name: string }
    | { readonly kind: "file"; readonly path: string }
    | { readonly kind: "body"; readonly body: Json; readonly type?: string };
  readonly id?: string;
  /** When it happened: from the test's start, or an instant; absent: the start. */
  readonly at?: { readonly offsetMs: number } | { readonly instant: number };
  readonly delayMs: number;
  readonly times: number;
  readonly set: Readonly<Record<string, Json>>;
  readonly remove: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly signature: "valid" | "invalid" | "missing";
  /** What rules get when they `fetch` for it. */
  readonly fetched?: DeclaredObjects;
  readonly position: SourcePosition;
}

export type SinkAnswer =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body?: Json;
    }
  | { readonly kind: "timeout" }
  | { readonly kind: "reset" };

/** What one entity must be. `state` among the values is its state; null is blank. */
export type EntityExpectation = "absent" | "erased" | Readonly<Record<string, Json>>;

export interface TestExpectation {
  /** Entity -> key -> what it must be. */
  readonly entities: Readonly<Record<string, Readonly<Record<string, EntityExpectation>>>>;
  readonly outcomes?: readonly string[];
  /** Event name or action -> how often. */
  readonly sent?: Readonly<Record<string, number>>;
  readonly deliveries?: readonly Readonly<Record<string, Json>>[];
  /** `entity.attribute`. */
  readonly refused?: readonly string[];
  readonly kept?: readonly string[];
  readonly dead?: readonly string[];
  readonly exact: boolean;
}

export interface TraceModel {
  readonly name: string;
  readonly events: readonly TestEvent[];
  readonly position: SourcePosition;
}
