/** Routes of the admin API for what needs a person: dead letters, one or many, and pauses. */
import { Type } from "typebox";
import { fail } from "../core/errors.ts";
import type { Operations } from "../flow/operations.ts";
import type { DeadLetter, StoreReader } from "../store/store.ts";
import { limitOf, MAX_LIMIT, neededReasonOf } from "./admin-events.ts";
import type { Right } from "./admin-guard.ts";
import type { Answer, Call, Route } from "./admin-route.ts";
import {
  count,
  deadLetterShape,
  LETTER_STATUSES,
  list,
  neededReason,
  reasonMember,
  shape,
  text,
  words,
} from "./admin-shapes.ts";
import { deadLetterDocument, type Sensitivity, type StatusDocument } from "./documents.ts";

export interface DeadDeps {
  readonly reader: StoreReader;
  readonly operations: Operations;
  readonly sensitivity: () => Sensitivity;
  readonly status: () => StatusDocument;
}

type Verb = "retry" | "discard";

const maybe = Type.Optional;
const closed = shape({ dead_letter: deadLetterShape, done: words(["retried", "discarded"]) });
const letterFilter = {
  pipeline: maybe(text()),
  code: maybe(text("An error code.")),
  type: maybe(text("An event type.")),
};
const target = { kind: words(["pipeline", "connection"]), name: text() };

export const DEAD_ROUTES: readonly Route<DeadDeps>[] = [
  {
    id: "listDeadLetters",
    summary: "Dead letters, newest first",
    method: "GET",
    path: "/api/v1/dead-letters",
    right: "read",
    query: {
      status: words(LETTER_STATUSES),
      pipeline: text(),
      limit: Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description: "At most this many." }),
    },
    answer: shape({ dead_letters: list(deadLetterShape) }),
    run: listDeadLetters,
  },
  {
    id: "closeDeadLetters",
    summary: "Retries or discards many open dead letters; unless `dry_run` is false it only says which",
    method: "POST",
    path: "/api/v1/dead-letters",
    // A discard takes its own right besides.
    right: "retry",
    body: shape({
      action: words(["retry", "discard"]),
      ids: maybe(Type.Array(text(), { maxItems: MAX_LIMIT, description: "Only these." })),
      ...letterFilter,
      reason: maybe(reasonMember),
      dry_run: maybe(Type.Boolean({ description: "Default: true." })),
    }),
    answer: shape({
      action: words(["retry", "discard"]),
      dry_run: Type.Boolean(),
      dead_letters: list(deadLetterShape),
      done: count("Closed by this call."),
      gone: count("Closed by somebody else meanwhile."),
      more: Type.Boolean({ description: "Others may be open that were not looked at: ask again." }),
    }),
    run: closeMany,
  },
  {
    id: "getDeadLetter",
    summary: "One dead letter",
    method: "GET",
    path: "/api/v1/dead-letters/{id}",
    right: "read",
    answer: shape({ dead_letter: deadLetterShape }),
    run: async ({ params: [id = ""] }, { reader, sensitivity }) => {
      const letter = await reader.deadLetter(id);
      return { document: letter && { dead_letter: deadLetterDocument(letter, sensitivity()) } };
    },
  },
  {
    id: "retryDeadLetter",
    summary: "Tries again: the same frozen request if it was ever sent, else mapped anew with the running config",
    method: "POST",
    path: "/api/v1/dead-letters/{id}/retry",
    right: "retry",
    body: shape({ reason: maybe(reasonMember) }),
    answer: closed,
    run: (call, deps) => closeOne(call, deps, "retry"),
  },
  {
    id: "discardDeadLetter",
    summary: "Gives up: it is not tried again",
    method: "POST",
    path: "/api/v1/dead-letters/{id}/discard",
    right: "discard",
    body: shape({ reason: neededReason }),
    answer: closed,
    run: (call, deps) => closeOne(call, deps, "discard"),
  },
  {
    id: "pause",
    summary: "Holds a pipeline or a connection; events are still accepted, and wait",
    method: "POST",
    path: "/api/v1/pause",
    right: "pause",
    body: shape({ ...target, reason: maybe(reasonMember) }),
    answer: shape({ ...target, paused: Type.Boolean() }),
    run: async (call, { operations, status }) => {
      const { kind, name, decision } = targetOf(call, status());
      if (name === undefined) return { document: undefined };
      await operations.pause(kind, name, decision);
      return { document: { kind, name, paused: true } };
    },
  },
  {
    id: "resume",
    summary: "Lets a paused pipeline or connection go on",
    method: "POST",
    path: "/api/v1/resume",
    right: "pause",
    body: shape({ ...target, reason: maybe(reasonMember) }),
    answer: shape({ ...target, paused: Type.Boolean(), was_paused: Type.Boolean() }),
    run: async (call, { operations, status }) => {
      const { kind, name, decision } = targetOf(call, status());
      if (name === undefined) return { document: undefined };
      const was = await operations.resume(kind, name, decision);
      return { document: { kind, name, paused: false, was_paused: was } };
    },
  },
];

async function listDeadLetters({ query }: Call, { reader, sensitivity }: DeadDeps): Promise<Answer> {
  const status = query.get("status") ?? "open";
  if (status !== "open" && status !== "retried" && status !== "discarded")
    fail("HK8018", { problem: "status must be open, retried or discarded" });
  const pipeline = query.get("pipeline");
  const letters = await reader.deadLetters({
    status,
    limit: limitOf(query, 100),
    ...(pipeline !== null && { pipeline }),
  });
  return { document: { dead_letters: letters.map((letter) => deadLetterDocument(letter, sensitivity())) } };
}

async function closeOne({ params: [id = ""], body, actor }: Call, deps: DeadDeps, verb: Verb): Promise<Answer> {
  const letter = await deps.reader.deadLetter(id);
  const by = { actor, reason: reasonFor(verb, body) };
  if (letter === undefined || letter.status !== "open") return { document: undefined };
  if (!(await close(letter, { verb, by }, deps))) return { document: undefined };
  return {
    document: {
      dead_letter: deadLetterDocument(letter, deps.sensitivity()),
      done: verb === "discard" ? "discarded" : "retried",
    },
  };
}

interface Closing {
  readonly verb: Verb;
  readonly by: { readonly actor: string; readonly reason: string };
}

const close = (letter: DeadLetter, { verb, by }: Closing, { operations }: DeadDeps): Promise<boolean> =>
  verb === "discard" ? operations.discardDead(letter.id, by) : operations.retryDead(letter.id, by);

function reasonFor(verb: Verb, body: Call["body"]): string {
  if (verb === "discard") return neededReasonOf(body, "a discard");
  return typeof body["reason"] === "string" ? body["reason"].trim() : "";
}

async function closeMany({ body, actor, may }: Call, deps: DeadDeps): Promise<Answer> {
  const { action, ids, dry_run: dry = true } = body;
  if (action !== "retry" && action !== "discard") return fail("HK8018", { problem: "action must be retry or discard" });
  if (typeof dry !== "boolean") return fail("HK8018", { problem: "dry_run must be true or false" });
  if (!may(action satisfies Right)) return { status: 403, document: { error: "the token's role does not allow this" } };
  const chosen = idsOf(ids);
  const by = { actor, reason: dry ? "" : reasonFor(action, body) };
  const { pipeline } = body;
  const open = await deps.reader.deadLetters({
    status: "open",
    limit: MAX_LIMIT,
    ...(typeof pipeline === "string" && { pipeline }),
  });
  const letters = open.filter(
    (letter) =>
      (chosen?.has(letter.id) ?? true) &&
      ["code", "type"].every((name) => fits(body[name], letter[name as "code" | "type"])),
  );
  const count = { done: 0, gone: 0 };
  // Oldest first: events of one entity then go on in their order.
  for (const letter of dry ? [] : letters.toReversed())
    count[(await close(letter, { verb: action, by }, deps)) ? "done" : "gone"]++;
  const documents = letters.map((letter) => deadLetterDocument(letter, deps.sensitivity()));
  return { document: { action, dry_run: dry, dead_letters: documents, ...count, more: open.length === MAX_LIMIT } };
}

const fits = (wanted: unknown, is: string) => wanted === undefined || wanted === is;

function idsOf(ids: unknown): ReadonlySet<string> | undefined {
  if (ids === undefined) return undefined;
  if (!Array.isArray(ids) || !ids.every((id): id is string => typeof id === "string"))
    return fail("HK8018", { problem: "ids must be a list of dead letters' ids" });
  return new Set(ids);
}

interface Target {
  readonly kind: "pipeline" | "connection";
  readonly name: string | undefined;
  readonly decision: { readonly actor: string; readonly reason: string };
}

/** `name` undefined: the running revision has none of that name. */
function targetOf({ body, actor }: Call, status: StatusDocument): Target {
  const { kind, name, reason } = body;
  if (kind !== "pipeline" && kind !== "connection")
    return fail("HK8018", { problem: "kind must be pipeline or connection" });
  const known: readonly { readonly name: string }[] = kind === "pipeline" ? status.pipelines : status.connections;
  const decision = { actor, reason: typeof reason === "string" ? reason : "" };
  return { kind, name: known.find((one) => one.name === name)?.name, decision };
}
