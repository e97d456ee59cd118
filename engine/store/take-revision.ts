/**
 * Puts a revision in force: its content is kept, live rows follow the names that have moved, those of dropped names
 * end, and a revision that loses sight of live rows is refused. One transaction: nothing in between is ever seen.
 */
import type { Handlers } from "./calls.ts";
import type { Db } from "./connection.ts";
import { createDropNames } from "./drop-names.ts";
import { createHashedNames, type HashedKind } from "./hashed-names.ts";
import { type CountRows, createRowCounter, namesInRows } from "./held-names.ts";
import { createMoveNames } from "./move-names.ts";
import {
  type HeldName,
  NAME_KINDS,
  type NameChange,
  type NameKind,
  type RevisionNames,
  type RevisionTaken,
  type RevisionTaking,
  splitName,
} from "./naming.ts";
import type { AuditWriter } from "./operate.ts";
import { fromJson } from "./rows.ts";

const HASHED: readonly (readonly [NameKind, HashedKind])[] = [
  ["sources", "source"],
  ["pipelines", "pipeline"],
  ["connections", "connection"],
  ["entities", "entity"],
];

/** Makes the `takeRevision` handler; `save` keeps the revision's content. */
export function createTakeRevision(
  db: Db,
  deps: { readonly audits: AuditWriter; readonly save: Handlers["saveRevision"] },
): Handlers["takeRevision"] {
  const inForce = db.prepare<[], string>("SELECT names FROM in_force").pluck();
  const put = db.prepare("INSERT OR REPLACE INTO in_force (one, revision, names, at) VALUES (1, ?, ?, ?)");
  const count = createRowCounter(db);
  const move = createMoveNames(db);
  const drop = createDropNames(db);
  // What a rule fetches is the revision's to say: each turn that waits is looked at again.
  const askAgain = db.prepare(
    "UPDATE fetches SET connection = NULL WHERE answer_seq IS NULL AND connection IS NOT NULL",
  );
  const hashed = createHashedNames(db);
  return (taking): RevisionTaken => {
    const text = inForce.get();
    const before = text === undefined ? namesInRows(db) : fromJson<RevisionNames>(text);
    const plan = planChanges(before, taking);
    const occupied = plan.moves.filter(({ kind, to }) => kind !== "states" && before[kind].includes(to));
    if (occupied.length > 0) return { kind: "occupied", names: occupied };
    const names = plan.lost.flatMap((lost) => heldName(lost, before.entities, count));
    if (names.length > 0) return { kind: "held", names };
    const { hash, at } = taking.revision;
    const changes: NameChange[] = [];
    for (const { kind, name } of plan.drops) {
      const { entity, name: own } = ownName(kind, name, before.entities);
      changes.push({ kind, name, rows: count(kind, { name: own, entity }) });
      drop[kind]({ name: own, entity, revision: hash, at });
    }
    for (const { kind, from, to } of plan.moves) {
      const old = ownName(kind, from, before.entities);
      changes.push({ kind, name: from, to, rows: count(kind, old) });
      // Entities move first: their attributes and states are found under the new name.
      const target = ownName(kind, to, taking.names.entities);
      move[kind]({ from: old.name, to: target.name, entity: target.entity });
    }
    for (const [kind, as] of HASHED) for (const name of taking.names[kind]) hashed.declare(as, name);
    for (const change of changes) deps.audits.insert(auditOf(change, taking));
    askAgain.run();
    deps.save(taking.revision);
    put.run(hash, JSON.stringify(taking.names), at);
    return { kind: "taken", changes };
  };
}

interface Plan {
  readonly moves: readonly { readonly kind: NameKind; readonly from: string; readonly to: string }[];
  readonly drops: readonly { readonly kind: NameKind; readonly name: string }[];
  /** No longer declared, and nothing is said about them. */
  readonly lost: readonly { readonly kind: NameKind; readonly name: string }[];
}

/** What was done once is not there any more, and so is not done again. */
function planChanges(before: RevisionNames, { names, moved, drop }: RevisionTaking): Plan {
  const gone = NAME_KINDS.flatMap((kind) => {
    const declared = new Set(names[kind]);
    return before[kind].filter((name) => !declared.has(name)).map((name) => ({ kind, name }));
  });
  /** What an attribute or state of a moved entity is called now. */
  const movedWhole = (kind: NameKind, name: string): string | undefined => {
    if (kind !== "attributes" && kind !== "states") return undefined;
    const { entity, name: own } = splitName(name, before.entities);
    const to = moved.entities[entity];
    return to === undefined ? undefined : `${to}.${own}`;
  };
  const endsWithEntity = (kind: NameKind, name: string): boolean =>
    (kind === "attributes" || kind === "states") && drop.entities.includes(splitName(name, before.entities).entity);
  const moves = gone.flatMap(({ kind, name }) => {
    const to = moved[kind][name];
    return to === undefined ? [] : [{ kind, from: name, to }];
  });
  const drops = gone.filter(({ kind, name }) => moved[kind][name] === undefined && drop[kind].includes(name));
  const unsaid = gone.filter(({ kind, name }) => {
    if (moved[kind][name] !== undefined || drop[kind].includes(name) || endsWithEntity(kind, name)) return false;
    const follows = movedWhole(kind, name);
    return follows === undefined || !names[kind].includes(follows);
  });
  // An entity that is lost says it for its attributes and states too.
  const entities = new Set(unsaid.flatMap(({ kind, name }) => (kind === "entities" ? [name] : [])));
  const lost = unsaid.filter(({ kind, name }) => !entities.has(ownName(kind, name, before.entities).entity));
  return { moves, drops, lost };
}

function ownName(kind: NameKind, full: string, entities: readonly string[]): { name: string; entity: string } {
  return kind === "attributes" || kind === "states" ? splitName(full, entities) : { name: full, entity: "" };
}

function heldName(
  { kind, name }: { readonly kind: NameKind; readonly name: string },
  entities: readonly string[],
  count: CountRows,
): HeldName[] {
  const rows = count(kind, ownName(kind, name, entities));
  return rows.length === 0 ? [] : [{ kind, name, rows }];
}

function auditOf({ kind, name, to, rows }: NameChange, { actor, reason, revision }: RevisionTaking) {
  const counts = rows.map((one) => `${one.count} ${one.what}`).join(", ") || "no rows";
  return {
    at: revision.at,
    actor,
    action: to === undefined ? "config.drop" : "config.move",
    target: `${kind} ${name}${to === undefined ? "" : ` -> ${to}`}`,
    reason: `${reason}, revision ${revision.hash.slice(0, 12)}: ${counts}`,
  };
}
