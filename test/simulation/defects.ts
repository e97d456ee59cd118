/**
 * Defects to be planted in the engine, to see that the proofs find them. Each is one change of its text, made while a
 * module is loaded and nowhere else; a text that is not there any more is an error, so that no defect goes stale.
 */

export interface Defect {
  readonly name: string;
  /** Path below the package root. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly put: string;
  /** What has to find it; default: the simulation. */
  readonly proof?: "durability";
}

export const defects: readonly Defect[] = [
  {
    name: "answers before the commit",
    file: "engine/flow/ingest.ts",
    find: "await deps.store.accept({ events, pipelines })",
    put: '(void deps.store.accept({ events, pipelines }).catch(() => {}), events.map((event) => ({ kind: "new" as const, id: event.id, seq: 0 })))',
  },
  {
    name: "looks for a duplicate before its twin is written",
    file: "engine/store/accept.ts",
    find: "known.until > event.receivedAt)",
    put: "known.until > event.receivedAt && known.until !== event.dedupeUntil)",
  },
  {
    name: "commits without a sync",
    file: "engine/store/connection.ts",
    find: 'db.pragma("synchronous = FULL");',
    put: 'db.pragma("synchronous = NORMAL"); if (Date.now() > 0) return;',
    proof: "durability",
  },
  {
    name: "dedupes by body too",
    file: "engine/store/accept.ts",
    find: "dedupeHash(statements.hashedAs, event.source, event.dedupeKey)",
    put: "dedupeHash(statements.hashedAs, event.source, event.dedupeKey + event.bodyHash)",
  },
  {
    name: "forgets ids before their window ends",
    file: "engine/store/purge.ts",
    find: "if (row.until > now) continue;",
    put: "if (row.until > now + 7 * 86_400_000 - 300_000) continue;",
  },
  {
    name: "works on a duplicate again",
    file: "engine/store/accept.ts",
    find: "    statements.duplicate.run(seq);",
    put: '    statements.duplicate.run(seq); statements.work.run(seq, event.type.startsWith("order") ? "orders" : event.type.startsWith("contact") ? "support" : "accounts");',
  },
  {
    name: "knows no order of events",
    file: "engine/ordering/version.ts",
    find: "return order !== undefined && order < 0;",
    put: "return order !== undefined && order < 0 && a.time < 0;",
  },
  {
    name: "passes over the rank of event types",
    file: "engine/ordering/version.ts",
    find: "a.time - b.time || a.rank - b.rank || a.seq - b.seq",
    put: "a.time - b.time || a.seq - b.seq",
  },
  {
    name: "breaks ties against the order of receipt",
    file: "engine/ordering/version.ts",
    find: "a.time - b.time || a.rank - b.rank || a.seq - b.seq",
    put: "a.time - b.time || a.rank - b.rank || b.seq - a.seq",
  },
  {
    name: "lets the far future move versions",
    file: "engine/ordering/version.ts",
    find: "return version.time > receivedAt + maxAheadMs;",
    put: "return version.time > receivedAt + maxAheadMs + 365 * 86_400_000;",
  },
  {
    name: "lets late events bring the deleted back",
    file: "engine/ordering/decide.ts",
    find: "return deletionAfter(input.entities.get(refKey(write.ref)), input.version) !== undefined;",
    put: "return deletionAfter(input.entities.get(refKey(write.ref)), input.version) === null;",
  },
  {
    name: "lets a late deletion take what is newer",
    file: "engine/ordering/deletion.ts",
    find: "if (!hasNewer(draft, version)) {",
    put: "if (version.time > 0) {",
  },
  {
    name: "forgets a deletion once the entity lives again",
    file: "engine/ordering/deletion.ts",
    find: "const known = [...(record.deletions ?? []), ...",
    put: "const known = [...",
  },
  {
    name: "lowers what is protected",
    file: "engine/ordering/gate.ts",
    find: "return attribute.protected && isOrdered(attribute)",
    put: "return attribute.protected && !isOrdered(attribute)",
  },
  {
    name: "sums over children in any state",
    file: "engine/ordering/rollup.ts",
    find: "rollup.inStates === undefined || rollup.inStates.has(child.state)",
    put: 'rollup.inStates === undefined || child.state !== ""',
  },
  {
    name: "takes what is missing for a null that clears",
    file: "engine/mapping/rows.ts",
    find: 'if (clearable && missing.length > 0 && missing.every((reading) => reading.presence === "null"))',
    put: "if (clearable && missing.length > 0)",
  },
  {
    name: "makes a value of what is missing",
    file: "engine/mapping/rows.ts",
    find: '{ kind: "keep", why: "missing" }',
    put: '{ kind: "set", value: row.name === "consent" ? false : 0 } as never',
  },
  {
    name: "loses the once mark",
    file: "engine/store/apply.ts",
    find: "for (const mark of commit.once) statements.mark.run(markKey(statements.hashedAs, mark), commit.eventSeq);",
    put: "",
  },
  {
    name: "skips work behind the cursor",
    file: "engine/worker/apply-loop.ts",
    find: "cursor = last.seq;",
    put: "cursor = last.seq + 1;",
  },
  {
    name: "drops what was held too long",
    file: "engine/flow/apply.ts",
    find: 'if (rule.hold.then === "skip") return end(',
    put: "if (rule.hold.windowMs > 0) return end(",
  },
  {
    name: "loses attributes when upserts merge",
    file: "engine/flow/born-upsert.ts",
    find: "attributes[name] ??= value === undefined ? write : value === null ? { clear: true } : { set: value };",
    put: "void [attributes[name], value, write];",
  },
  {
    name: "takes an unknown outcome for a delivery",
    file: "engine/delivery/classify.ts",
    find: 'return failure.sent ? { kind: "unknown", detail }',
    put: 'return failure.sent ? { kind: "delivered", detail }',
  },
  {
    name: "sends before the attempt is marked",
    file: "engine/flow/deliver.ts",
    find: "if (!deps.connection.sink.marksAttempts && remade === undefined) return true;",
    put: "if (deps.connection.timeoutMs > 0) return true;",
  },
  {
    name: "sends each attempt under a key of its own",
    file: "engine/flow/sending.ts",
    find: "    attempt,\n    idempotencyKey,\n    signal,\n",
    put: "    attempt,\n    idempotencyKey: `${idempotencyKey}-${attempt}`,\n    signal,\n",
  },
  {
    name: "tries again without a pause",
    file: "engine/core/backoff.ts",
    find: "Math.max(own, wished)",
    put: "Math.min(own, wished, 1)",
  },
  {
    name: "does not wait out what may still be under way",
    file: "engine/flow/settle.ts",
    find: "const quietUntil = context.now + context.connection.timeoutMs;",
    put: "const quietUntil = context.now;",
  },
  {
    name: "forgets what was under way at a crash",
    file: "engine/store/deliveries.ts",
    find: "const rows = statements.interrupted.all();",
    put: "const rows = statements.interrupted.all().slice(0, 0);",
  },
  {
    name: "never closes the breaker",
    file: "engine/delivery/breaker.ts",
    find: 'if (ok) return state.kind === "open" ? state : closedBreaker;',
    put: 'if (ok) return state.kind === "closed" ? closedBreaker : { kind: "open", until: now + plan.maxOpenMs, openMs: plan.maxOpenMs };',
  },
  {
    name: "sends effects past the upserts they wait for",
    file: "engine/store/read-deliveries.ts",
    find: "FROM outbox WHERE connection = +? AND head = 1 AND status <> 'sending'",
    put: "FROM outbox WHERE connection = +? AND (head = 1 OR kind = 'effect') AND status <> 'sending'",
  },
  {
    name: "passes over pauses",
    file: "engine/worker/pauses.ts",
    find: "has: (kind, name) => paused.has(nameOf(kind, name)),",
    put: 'has: (kind, name) => paused.has(nameOf(kind, name)) && name === "",',
  },
  {
    name: "leaves a resumed pipeline's work lying",
    file: "engine/worker/engine.ts",
    find: 'if (kind === "pipeline") {',
    put: 'if (kind === "pipeline" && name === "") {',
  },
  {
    name: "loses a dead letter that is tried again",
    file: "engine/store/dead-letters.ts",
    find: "    return pipelines.length > 0;",
    put: '    db.prepare("DELETE FROM work WHERE event_seq = ?").run(letter.event_seq); return pipelines.length > 0;',
  },
  {
    name: "brings old values back with a dead letter",
    file: "engine/flow/overtaken.ts",
    find: "if ((await store.lastTried(record.connection, record.entity)) === record.seq)",
    put: "if (record.seq > 0)",
  },
  {
    name: "keeps what was acknowledged before a failure",
    file: "engine/flow/settle.ts",
    find: 'return record.kind === "upsert" ? { forgotten: marksOf(record) } : {};',
    put: 'return record.kind === "upsert" && record.attempts < 0 ? { forgotten: marksOf(record) } : {};',
  },
];
