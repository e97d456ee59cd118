/** Routes of the admin API about who one is: what a token may do, and a browser's signing in and out. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import {
  type AdminGuard,
  type AdminMemory,
  ALL_RIGHTS,
  guessedToken,
  SESSION_COOKIE,
  sessionOf,
} from "./admin-guard.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import { list, shape, text, words } from "./admin-shapes.ts";

export interface SessionDeps {
  readonly guard: AdminGuard;
  readonly memory: AdminMemory;
  /** Random bytes, hex. */
  readonly randomHex: (bytes: number) => string;
  /** The listener speaks TLS: the cookie then goes over nothing else. */
  readonly secure: boolean;
}

const SESSION_MS = 12 * 3_600_000;
const me = shape({
  name: text("What the audit calls you."),
  role: text(),
  rights: list(words(ALL_RIGHTS)),
});

export const SESSION_ROUTES: readonly Route<SessionDeps>[] = [
  {
    id: "me",
    summary: "Who the token belongs to, and what it may do",
    method: "GET",
    path: "/api/v1/me",
    right: "read",
    answer: me,
    run: ({ actor, role, may }) => ({ document: { name: actor, role, rights: ALL_RIGHTS.filter(may) } }),
  },
  {
    id: "signIn",
    summary: "Signs a browser in with a token, for twelve hours; the dashboard asks for it",
    method: "POST",
    path: "/api/v1/session",
    right: "nothing",
    body: shape({ token: Type.String({ minLength: 1 }) }),
    answer: shape({ name: text(), role: text() }),
    run: signIn,
  },
  {
    id: "signOut",
    summary: "Ends the browser's session",
    method: "DELETE",
    path: "/api/v1/session",
    right: "nothing",
    answer: shape({ signed_out: Type.Boolean() }),
    run: ({ request }, { memory, secure }) => {
      const value = sessionOf(request.headers);
      if (value !== undefined) memory.sessions.close(value);
      return { document: { signed_out: value !== undefined }, headers: { "set-cookie": cookie("", 0, secure) } };
    },
  },
];

function signIn({ body, request }: Call, { guard, memory, randomHex, secure }: SessionDeps): Answer {
  const { token: given } = body;
  if (typeof given !== "string" || given === "") return fail("HK8018", { problem: "a token is needed" });
  const judged = guessedToken(given.trim(), { guard, memory, remote: request.remote ?? "" });
  if (!judged.ok) {
    const { status, error, retryAfter } = judged;
    return {
      status,
      document: { error },
      ...(retryAfter !== undefined && { headers: { "retry-after": String(retryAfter) } }),
    };
  }
  const { sha256, name, role, until = Number.POSITIVE_INFINITY } = judged.token;
  const now = guard.now();
  const value = randomHex(32);
  const before = sessionOf(request.headers);
  if (before !== undefined) memory.sessions.close(before);
  memory.sessions.open(value, { sha256, until: Math.min(now + SESSION_MS, until) });
  return { document: { name, role }, headers: { "set-cookie": cookie(value, SESSION_MS / 1_000, secure) } };
}

/** No script reads it, and no other site's request carries it. */
const cookie = (value: string, seconds: number, secure: boolean) =>
  `${SESSION_COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${secure ? "; Secure" : ""}`;
