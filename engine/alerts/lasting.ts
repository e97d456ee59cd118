/**
 * Which findings count: those their rule has seen for as long as its `for` wants, and those of before a restart whose
 * counters were in memory: a restart has not made them well, so they stay until a whole window has been seen since.
 */
import type { AlertKind } from "../config/schema/alerts.schema.ts";
import type { Alert, Member } from "./alert.ts";
import { type Finding, ruleIn, sourcesOf, type World } from "./finding.ts";
import type { Rule } from "./rules.ts";

export interface Lasting {
  /** Of alerts that were open when the engine was stopped. */
  resume(open: readonly Alert[]): void;
  of(findings: readonly Finding[], world: World): readonly Finding[];
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MARK = " (before the restart)";

/** What is counted in memory, and over how long. A silence ends when the source is heard. */
const WINDOWS: Readonly<Partial<Record<AlertKind, (rule: Rule) => number>>> = {
  rejected: () => 5 * MINUTE,
  failure_rate: () => 5 * MINUTE,
  retries: () => 5 * MINUTE,
  lag: () => 5 * MINUTE,
  duplicates: () => 15 * MINUTE,
  drift: () => 60 * MINUTE,
  refused: () => 60 * MINUTE,
  // It is closed at the start; the first attempts open it again.
  breaker_open: ({ above }) => above + MINUTE,
  silence: () => DAY,
};
const OF_SOURCES: ReadonlySet<AlertKind> = new Set(["rejected", "duplicates", "silence"]);

export function createLasting(): Lasting {
  /** Since when a finding is there. */
  const pending = new Map<string, number>();
  const carried = new Map<string, Member>();
  /** Of this start; earlier where the clock was set back since. */
  let begun = Number.POSITIVE_INFINITY;

  /** As its rule has it now; undefined: it is over, or nobody watches it any more. */
  function carry(member: Member, world: World): Finding | undefined {
    const { id, kind, pipelines } = member;
    const of = id.slice(kind.length + 1);
    const { revision, now, listener } = world;
    const isSource = OF_SOURCES.has(kind);
    const isThere = isSource
      ? sourcesOf(revision).has(of)
      : revision.pipelines.some(({ name }) => pipelines.includes(name));
    const rule = ruleIn(world, kind, isSource ? { pipelines, sources: [of] } : { pipelines });
    const windowMs = rule && WINDOWS[kind]?.(rule);
    if (!isThere || rule === undefined || windowMs === undefined || now - begun >= windowMs) return undefined;
    if (kind === "silence" && (listener.of(of).lastAt ?? 0) > begun) return undefined;
    const { firstSeen: _first, lastSeen: _last, ...finding } = member;
    const text = finding.text.endsWith(MARK) ? finding.text : `${finding.text}${MARK}`;
    return { ...finding, severity: rule.severity ?? finding.severity, text };
  }

  return {
    resume(open) {
      for (const member of open.flatMap(({ members }) => members)) {
        // An alert has waited for its rule already.
        pending.set(member.id, member.firstSeen - member.forMs);
        if (WINDOWS[member.kind] !== undefined) carried.set(member.id, member);
      }
    },
    of(found, world) {
      begun = Math.min(begun, world.startedAt, world.now);
      const fresh = new Set(found.map(({ id }) => id));
      const before = [...carried.values()].flatMap((member) => {
        const finding = fresh.has(member.id) ? undefined : carry(member, world);
        if (finding === undefined) carried.delete(member.id);
        return finding === undefined ? [] : [finding];
      });
      const findings = [...found, ...before];
      const ids = new Set(findings.map(({ id }) => id));
      for (const id of pending.keys()) if (!ids.has(id)) pending.delete(id);
      return findings.filter(({ id, forMs }) => {
        // The smaller one: a clock may be set back.
        const since = Math.min(pending.get(id) ?? world.now, world.now);
        pending.set(id, since);
        return world.now - since >= forMs;
      });
    },
  };
}
