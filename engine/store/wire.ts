/**
 * A group on its way to the writer's thread and back. Cloning objects one by one costs both threads more than the
 * store's work on them, so what is accepted goes as one JSON text, and all bodies of the group as one buffer that is
 * handed over instead of copied. All else is rare or small and is cloned.
 */
import type { Call } from "./calls.ts";
import type { CallOutcome } from "./group.ts";
import type { AcceptRequest, NewEvent } from "./store.ts";

/** A group of calls as it is posted. */
export interface PackedGroup {
  /** In the order of the group; undefined where the next of `accepts` stands. */
  readonly calls: readonly (Call | undefined)[];
  /** JSON of `PackedAccept[]`. */
  readonly accepts: string;
  readonly bodies: ArrayBuffer;
}

interface PackedAccept {
  readonly pipelines: AcceptRequest["pipelines"];
  /** `body`: where it starts and how long it is, in bytes. */
  readonly events: readonly (Omit<NewEvent, "body"> & { readonly body: readonly [number, number] })[];
}

/** Packs a group; `bodies` of the result is to be transferred. */
export function packGroup(group: readonly Call[]): PackedGroup {
  const accepts: PackedAccept[] = [];
  const bodies = collectBodies();
  const calls = group.map((call) => {
    if (call.name !== "accept") return call;
    const { pipelines, events } = call.argument;
    accepts.push({ pipelines, events: events.map((event) => ({ ...event, body: bodies.add(event.body) })) });
    return undefined;
  });
  return { calls, accepts: JSON.stringify(accepts), bodies: bodies.joined() };
}

/** The group as it was; items that shared a body share it again. */
export function unpackGroup({ calls, accepts, bodies }: PackedGroup): readonly Call[] {
  const packed = JSON.parse(accepts) as PackedAccept[];
  let next = 0;
  return calls.map((call) => {
    if (call !== undefined) return call;
    const { pipelines = [], events = [] } = packed[next++] ?? {};
    const views = new Map<number, Uint8Array>();
    const view = (start: number, length: number): Uint8Array => {
      const known = views.get(start);
      if (known !== undefined && known.length === length) return known;
      const made = new Uint8Array(bodies, start, length);
      views.set(start, made);
      return made;
    };
    return {
      name: "accept",
      argument: { pipelines, events: events.map((event) => ({ ...event, body: view(...event.body) })) },
    };
  });
}

/** Outcomes are small, and many: one text is cheaper than as many objects. */
export function packOutcomes(outcomes: readonly CallOutcome[]): string {
  return JSON.stringify(outcomes);
}

export function unpackOutcomes(packed: string): readonly CallOutcome[] {
  return JSON.parse(packed) as CallOutcome[];
}

function collectBodies() {
  const places = new Map<Uint8Array, readonly [number, number]>();
  let size = 0;
  return {
    add(body: Uint8Array): readonly [number, number] {
      const known = places.get(body);
      if (known !== undefined) return known;
      const place = [size, body.byteLength] as const;
      places.set(body, place);
      size += body.byteLength;
      return place;
    },
    joined(): ArrayBuffer {
      const joined = new Uint8Array(size);
      for (const [body, [start]] of places) joined.set(body, start);
      return joined.buffer;
    },
  };
}
