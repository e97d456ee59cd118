/**
 * A group on its way to the writer's thread and back. Cloning objects one by one costs both threads more than the
 * store's work on them, so the calls that come with every event go as one JSON text, and all bodies of the group as
 * one buffer that is handed over instead of copied. All other calls are rare and are cloned.
 */
import type { Argument, Call } from "./calls.ts";
import type { CallOutcome } from "./group.ts";
import type { AcceptRequest, NewEvent } from "./store.ts";

/** A group of calls as it is posted. */
export interface PackedGroup {
  /** In the order of the group; undefined where the next of `often` stands. */
  readonly rare: readonly (Call | undefined)[];
  /** JSON of `PackedCall[]`. */
  readonly often: string;
  readonly bodies: ArrayBuffer;
}

/** Calls whose arguments are plain JSON but for the bodies. */
type Often = "accept" | "apply" | "markAttempt" | "settle";
type OftenCall = Extract<Call, { readonly name: Often }>;
type PackedCall =
  | Exclude<OftenCall, { readonly name: "accept" }>
  | { readonly name: "accept"; readonly argument: PackedAccept };

interface PackedAccept {
  readonly pipelines: AcceptRequest["pipelines"];
  /** `body`: where it starts and how long it is, in bytes. */
  readonly events: readonly (Omit<NewEvent, "body"> & { readonly body: readonly [number, number] })[];
}

const OFTEN: ReadonlySet<string> = new Set<Often>(["accept", "apply", "markAttempt", "settle"]);
const isOften = (call: Call): call is OftenCall => OFTEN.has(call.name);

/** Packs a group; `bodies` of the result is to be transferred. */
export function packGroup(group: readonly Call[]): PackedGroup {
  const often: PackedCall[] = [];
  const bodies = collectBodies();
  const rare = group.map((call) => {
    if (!isOften(call)) return call;
    often.push(call.name === "accept" ? { name: "accept", argument: packAccept(call.argument, bodies.add) } : call);
    return undefined;
  });
  return { rare, often: JSON.stringify(often), bodies: bodies.joined() };
}

function packAccept(
  { pipelines, events }: AcceptRequest,
  place: (body: Uint8Array) => readonly [number, number],
): PackedAccept {
  return { pipelines, events: events.map((event) => ({ ...event, body: place(event.body) })) };
}

/** The group as it was; items that shared a body share it again. */
export function unpackGroup({ rare, often, bodies }: PackedGroup): readonly Call[] {
  const packed = (JSON.parse(often) as PackedCall[]).values();
  return rare.map((call) => {
    if (call !== undefined) return call;
    const next = packed.next().value as PackedCall;
    return next.name === "accept" ? { name: "accept", argument: unpackAccept(next.argument, bodies) } : next;
  });
}

function unpackAccept({ pipelines, events }: PackedAccept, bodies: ArrayBuffer): Argument<"accept"> {
  const views = new Map<number, Uint8Array>();
  const view = ([start, length]: readonly [number, number]): Uint8Array => {
    const known = views.get(start);
    // An empty body starts where the next one does.
    if (known !== undefined && known.length === length) return known;
    const made = new Uint8Array(bodies, start, length);
    views.set(start, made);
    return made;
  };
  return { pipelines, events: events.map((event) => ({ ...event, body: view(event.body) })) };
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
