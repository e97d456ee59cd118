/**
 * Lets intake go first. Background work begins in slices, one in a turn of the event loop, so that requests are read
 * and answered between them; while requests wait for their answers a slice is one piece. What is put off that way
 * lies safely in the store, but a sender that waits too long gives up and sends again.
 */

export interface Pace {
  /** How many pieces of work may begin in this turn. */
  slice(): number;
  /** Resolves in the next turn, after the requests that came in meanwhile. */
  turn(): Promise<void>;
}

/** A piece takes 0.1 to 0.5 ms of the thread. */
const SLICE = 32;
const SLICE_WHILE_WAITING = 1;

/** `waiting`: requests that have no answer yet. */
export function createPace(waiting: () => number): Pace {
  return {
    slice: () => (waiting() > 0 ? SLICE_WHILE_WAITING : SLICE),
    turn: nextTurn,
  };
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
