/** A sender with a ledger: it posts payments over keep-alive sockets, as many times as it takes, and keeps every answer. */
import { Pool } from "undici";
import { PATH, payment, signed } from "./payments.ts";

export interface LedgerEntry {
  readonly n: number;
  readonly body: string;
  /** Answers that were whole, in order. */
  readonly answers: { readonly status: number; readonly event: string | undefined }[];
}

export interface Ledger {
  readonly entries: ReadonlyMap<number, LedgerEntry>;
  acknowledged(): LedgerEntry[];
  unanswered(): LedgerEntry[];
  /**
   * Sends all that has no 2xx yet and then `fresh` new payments, `width` at a time, until everything was tried once
   * or the engine is gone. `onAnswer` hears of each whole answer.
   */
  send(hooks: string, load: Load): Promise<void>;
}

export interface Load {
  readonly fresh: number;
  readonly width: number;
  readonly onAnswer?: (answered: number) => void;
}

/** A promise that the event is kept. */
export const isAck = ({ status }: { readonly status: number }): boolean => status >= 200 && status < 300;

/** `more`: what else each payment carries. */
export function createLedger(base: number, more: object = {}): Ledger {
  const entries = new Map<number, LedgerEntry>();
  const isAcknowledged = (entry: LedgerEntry) => entry.answers.some(isAck);
  const unanswered = () => [...entries.values()].filter((entry) => !isAcknowledged(entry));
  return {
    entries,
    acknowledged: () => [...entries.values()].filter(isAcknowledged),
    unanswered,
    async send(hooks, { fresh, width, onAnswer }) {
      const queue = unanswered();
      for (let i = 0; i < fresh; i++) {
        const n = entries.size;
        const entry = { n, body: payment(n, base, more), answers: [] };
        entries.set(n, entry);
        queue.push(entry);
      }
      const pool = new Pool(hooks, { connections: width, pipelining: 1 });
      let gone = false;
      let answered = 0;
      const sender = async () => {
        for (let entry = queue.shift(); entry !== undefined && !gone; entry = queue.shift()) {
          const answer = await post(pool, entry.body);
          if (answer === undefined) gone = true;
          else {
            entry.answers.push(answer);
            onAnswer?.(++answered);
          }
        }
      };
      await Promise.all(Array.from({ length: width }, sender));
      await pool.destroy();
    },
  };
}

/** Undefined when no whole answer came. */
async function post(pool: Pool, body: string): Promise<LedgerEntry["answers"][number] | undefined> {
  try {
    const answer = await pool.request({ method: "POST", path: PATH, headers: signed(body), body });
    await answer.body.dump();
    const event = answer.headers["x-hookrail-event"];
    return { status: answer.statusCode, event: typeof event === "string" ? event : undefined };
  } catch {
    return undefined;
  }
}
