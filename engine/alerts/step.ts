/**
 * One look: findings become alerts, alerts become messages. Pure.
 *
 * - An alert is all findings of one cause. A finding stays with the alert it came to, also where its cause is seen
 *   otherwise later: one outage is one alert.
 * - **waiting**: for `wait` others of the same cause may join before anybody is told.
 * - **told**: again when it gets worse, when it concerns more pipelines or twice as much (not more often than `update`), and
 *   after `repeat` while it lasts.
 * - **eased**: it is no page any more, and who was woken hears that; the rest of it goes to those who look in the morning.
 * - **resolved**: none of its findings was seen for `clear`. All who were told hear of it, silenced or not: else a page
 *   would stay open for ever.
 */
import type { AlertingModel } from "../config/operations.ts";
import { type Alert, isWorse, type Member, pipelinesIn, severityOf, sizeOf, type Told } from "./alert.ts";
import type { Finding } from "./finding.ts";
import type { Severity } from "./rules.ts";

export type MessageKind = "firing" | "update" | "repeat" | "eased" | "resolved";

export interface Message {
  readonly kind: MessageKind;
  readonly channel: string;
  readonly alert: Alert;
}

export interface StepTerms {
  readonly now: number;
  readonly terms: Pick<AlertingModel, "waitMs" | "updateMs" | "repeatMs" | "clearMs">;
  readonly newId: () => string;
  readonly channelsFor: (findings: readonly Finding[], severity: Severity) => readonly string[];
  /** Why nobody is to be told of it now. */
  readonly silence: (alert: Alert) => string | undefined;
}

export interface Stepped {
  /** Still open. */
  readonly open: readonly Alert[];
  /** New, changed or resolved: to be kept. */
  readonly changed: readonly Alert[];
  readonly messages: readonly Message[];
}

export function step(kept: readonly Alert[], findings: readonly Finding[], given: StepTerms): Stepped {
  const open = kept.map((alert) => notAhead(alert, given.now));
  const bySubject = assign(open, findings);
  const before = new Map(open.map((alert) => [alert.subject, alert]));
  const stepped = [...new Set([...before.keys(), ...bySubject.keys()])].map((subject) =>
    stepOne(before.get(subject), { subject, findings: bySubject.get(subject) ?? [] }, given),
  );
  return {
    open: stepped.flatMap(({ alert }) => (alert.resolvedAt === undefined ? [alert] : [])),
    changed: stepped.flatMap(({ alert, isChanged }) => (isChanged ? [alert] : [])),
    messages: stepped.flatMap(({ messages }) => messages),
  };
}

/** The clock was ahead when this was noted, and has been set back: what is said to come later has been. */
function notAhead(alert: Alert, now: number): Alert {
  const isAhead = alert.members.some(({ lastSeen }) => lastSeen > now) || alert.told.some(({ at }) => at > now);
  if (!isAhead && alert.openedAt <= now) return alert;
  const min = (at: number) => Math.min(at, now);
  return {
    ...alert,
    openedAt: min(alert.openedAt),
    members: alert.members.map((one) => ({ ...one, firstSeen: min(one.firstSeen), lastSeen: min(one.lastSeen) })),
    told: alert.told.map((one) => ({ ...one, at: min(one.at) })),
  };
}

/** Findings by the subject of the alert they belong to. */
function assign(open: readonly Alert[], findings: readonly Finding[]): ReadonlyMap<string, readonly Finding[]> {
  const known = new Map(open.flatMap(({ subject, members }) => members.map(({ id }) => [id, subject] as const)));
  return Map.groupBy(findings, (finding) => known.get(finding.id) ?? finding.cause);
}

interface SteppedOne {
  readonly alert: Alert;
  readonly isChanged: boolean;
  readonly messages: readonly Message[];
}

function stepOne(
  before: Alert | undefined,
  seen: { readonly subject: string; readonly findings: readonly Finding[] },
  given: StepTerms,
): SteppedOne {
  const { now, terms } = given;
  const members = join(before?.members ?? [], seen.findings, given);
  const base: Alert = {
    ...(before ?? { id: given.newId(), subject: seen.subject, openedAt: now, told: [] }),
    severity: severityOf(members),
    members,
  };
  if (members.length === 0) return resolve(before ?? base, now);
  const { silenced: _, ...unsilenced } = base;
  const reason = given.silence(unsilenced);
  const alert = reason === undefined ? unsilenced : { ...unsilenced, silenced: reason };
  const isSilenced = reason !== undefined || seen.findings.length === 0 || now - alert.openedAt < terms.waitMs;
  const channels = given.channelsFor(alert.members, alert.severity);
  const messages = [...eased(alert, channels), ...(isSilenced ? [] : toTell(alert, channels, given))];
  const told = merge(alert, messages, now);
  const next = { ...alert, told };
  return {
    alert: next,
    isChanged: before === undefined || messages.length > 0 || looksOther(before, next),
    messages: messages.map((message) => ({ ...message, alert: next })),
  };
}

/** Seen ones with when they were seen first; those not seen stay until they have been gone for `clear`. */
function join(before: readonly Member[], findings: readonly Finding[], { now, terms }: StepTerms): readonly Member[] {
  const known = new Map(before.map((member) => [member.id, member]));
  const seen = findings.map((finding) => ({
    ...finding,
    firstSeen: known.get(finding.id)?.firstSeen ?? now,
    lastSeen: now,
  }));
  const ids = new Set(seen.map(({ id }) => id));
  return [...seen, ...before.filter(({ id, lastSeen }) => !ids.has(id) && now - lastSeen < terms.clearMs)];
}

function resolve(alert: Alert, now: number): SteppedOne {
  const { silenced: _, ...rest } = alert;
  const resolved: Alert = { ...rest, resolvedAt: now };
  const channels = [...new Set(alert.told.map(({ channel }) => channel))];
  return {
    alert: resolved,
    isChanged: true,
    messages: channels.map((channel) => ({ kind: "resolved", channel, alert: resolved })),
  };
}

type Telling = Omit<Message, "alert">;

/** Channels that were told of something worse, and are not those for what is left. */
function eased(alert: Alert, channels: readonly string[]): readonly Telling[] {
  const over = alert.told.filter((one) => isWorse(one.severity, alert.severity) && !channels.includes(one.channel));
  return over.map(({ channel }) => ({ kind: "eased", channel }));
}

function toTell(alert: Alert, channels: readonly string[], { now, terms }: StepTerms): readonly Telling[] {
  const pipelines = pipelinesIn(alert.members);
  const size = sizeOf(alert.members);
  const repeatMs = Math.min(...alert.members.map((member) => member.repeatMs ?? terms.repeatMs));
  return channels.flatMap((channel): readonly Telling[] => {
    const last = alert.told.find((one) => one.channel === channel);
    if (last === undefined || isWorse(alert.severity, last.severity)) return [{ kind: "firing", channel }];
    const since = now - last.at;
    const more =
      pipelines.some((name) => !last.pipelines.includes(name)) || (size > last.size && size >= 2 * last.size);
    if (more && since >= terms.updateMs) return [{ kind: "update", channel }];
    return since >= repeatMs ? [{ kind: "repeat", channel }] : [];
  });
}

function merge(alert: Alert, messages: readonly Telling[], now: number): readonly Told[] {
  const { severity, members, told } = alert;
  const fresh = messages
    .filter(({ kind }) => kind !== "eased")
    .map(({ channel }) => ({
      channel,
      at: now,
      severity,
      pipelines: pipelinesIn(members),
      size: sizeOf(members),
    }));
  const channels = new Set(messages.map(({ channel }) => channel));
  const kept = told.filter(({ channel }) => !channels.has(channel));
  // What it is now, so that it is told when it gets worse again.
  return [...kept.map((one) => (isWorse(one.severity, severity) ? { ...one, severity } : one)), ...fresh];
}

/** What a restart would have to know; that it was seen again is not worth a write each time. */
function looksOther(before: Alert, now: Alert): boolean {
  const shape = ({ severity, members, silenced, told }: Alert) =>
    JSON.stringify([severity, silenced, told, members.map(({ id, severity: own }) => [id, own]).sort()]);
  return shape(before) !== shape(now);
}
