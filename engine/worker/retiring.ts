/** What former revisions leave: links that attempts still go over, and evaluators that those still ask. */
import type { Evaluator } from "../core/expression.ts";
import type { Link } from "./link.ts";

export interface Retiring {
  /** Closes each link when its last attempt has ended, and the evaluator after them. */
  add(links: readonly Link[], evaluator?: Evaluator): void;
  /** Resolves when all of it is closed. */
  idle(): Promise<void>;
  /** Closes what is left at once. */
  close(): Promise<void>;
}

export function createRetiring(): Retiring {
  const left = new Map<{ close(): Promise<void> }, Promise<void>>();
  const closeAfter = (one: { close(): Promise<void> }, before: Promise<unknown>): Promise<void> => {
    const closed = before.then(() => one.close()).finally(() => left.delete(one));
    left.set(one, closed);
    return closed;
  };
  return {
    add(links, evaluator) {
      const closed = links.map((link) => closeAfter(link, link.idle()));
      if (evaluator !== undefined) void closeAfter(evaluator, Promise.all(closed));
    },
    idle: async () => void (await Promise.all(left.values())),
    close: async () => void (await Promise.all([...left.keys()].map((one) => one.close()))),
  };
}
