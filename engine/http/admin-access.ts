/** What the admin API remembers of those who come: signed-in browsers, and who has guessed at tokens. In memory only. */
import { hash } from "node:crypto";

/** A browser that has signed in with a token. The cookie's value is not kept, only its digest. */
export interface Session {
  /** Of the token it was opened with: gone from the config, the session is too. */
  readonly sha256: string;
  readonly until: number;
}

export interface Sessions {
  /** Keeps a session under the cookie's value. */
  open(value: string, session: Session): void;
  find(value: string, now: number): Session | undefined;
  close(value: string): void;
}

/** More are the work of a script; the oldest go. */
const MAX_SESSIONS = 1_000;

export function createSessions(): Sessions {
  const held = new Map<string, Session>();
  const keyOf = (value: string) => hash("sha256", value, "hex");
  return {
    open(value, session) {
      held.set(keyOf(value), session);
      dropOldest(held, MAX_SESSIONS);
    },
    find(value, now) {
      const session = held.get(keyOf(value));
      if (session === undefined || now < session.until) return session;
      held.delete(keyOf(value));
      return undefined;
    },
    close: (value) => void held.delete(keyOf(value)),
  };
}

/** Counts wrong tokens by where they come from. */
export interface Guesses {
  /** Seconds until tokens from there are looked at again; 0: now. */
  wait(remote: string, now: number): number;
  wrong(remote: string, now: number): void;
}

export const MAX_GUESSES = 10;
const GUESS_WINDOW_MS = 60_000;
const MAX_REMOTES = 10_000;

export function createGuesses(): Guesses {
  const counts = new Map<string, { readonly since: number; readonly count: number }>();
  const current = (remote: string, now: number) => {
    const one = counts.get(networkOf(remote));
    return one !== undefined && now < one.since + GUESS_WINDOW_MS ? one : { since: now, count: 0 };
  };
  return {
    wait(remote, now) {
      const { since, count } = current(remote, now);
      return count < MAX_GUESSES ? 0 : Math.ceil((since + GUESS_WINDOW_MS - now) / 1_000);
    },
    wrong(remote, now) {
      const { since, count } = current(remote, now);
      counts.delete(networkOf(remote));
      counts.set(networkOf(remote), { since, count: count + 1 });
      dropOldest(counts, MAX_REMOTES);
    },
  };
}

/** One who has an IPv6 address has a /64 of them. */
function networkOf(remote: string): string {
  if (!remote.includes(":") || remote.startsWith("::ffff:")) return remote;
  const [head = "", tail = ""] = remote.split("::");
  const left = head.split(":").filter((group) => group !== "");
  const right = tail.split(":").filter((group) => group !== "");
  const zeros = remote.includes("::") ? Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0") : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}
