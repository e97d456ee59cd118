/** In which times nobody is told of what: silences that people made, maintenance windows of the config. Pure. */
import type { MaintenanceModel } from "../config/operations.ts";
import type { Revision } from "../config/revision.ts";
import { type PatternSubject, parseAlertPattern } from "../core/alert-pattern.ts";
import type { Silence } from "../store/store.ts";
import { type Alert, pipelinesIn } from "./alert.ts";
import { ownersOf } from "./routes.ts";

/** What patterns are held against. */
export function patternSubject(alert: Alert, revision: Pick<Revision, "pipelines">): PatternSubject {
  const pipelines = pipelinesIn(alert.members);
  const [kind, name = ""] = split(alert.subject);
  const named = (which: string) => (kind === which ? [name] : []);
  return {
    pipeline: pipelines,
    connection: named("connection"),
    source: [
      ...named("source"),
      ...revision.pipelines.filter((one) => pipelines.includes(one.name)).map(({ source }) => source.name),
    ],
    team: ownersOf(revision, pipelines),
    kind: [...new Set(alert.members.map((member) => member.kind))],
    severity: [alert.severity],
  };
}

export function split(subject: string): [kind: string, name: string] {
  const at = subject.indexOf(":");
  return [subject.slice(0, at), subject.slice(at + 1)];
}

/** Why nobody is told of an alert now; undefined: they are. */
export function silencedBy(
  alert: Alert,
  within: {
    readonly now: number;
    readonly silences: readonly Silence[];
    readonly maintenance: readonly MaintenanceModel[];
    readonly revision: Pick<Revision, "pipelines">;
  },
): string | undefined {
  const { now, silences, maintenance, revision } = within;
  const subject = patternSubject(alert, revision);
  const matches = (match: string) => parseAlertPattern(match)?.(subject) === true;
  const made = silences.find((one) => one.from <= now && now < one.until && matches(one.match));
  if (made !== undefined) return `${made.id} by ${made.by}${made.reason === "" ? "" : `: ${made.reason}`}`;
  const window = maintenance.find((one) => isIn(one, now) && matches(one.match));
  return window === undefined ? undefined : `maintenance: ${window.reason}`;
}

const DAY_MINUTES = 24 * 60;
const WEEK_MINUTES = 7 * DAY_MINUTES;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** True while a maintenance window lasts. */
export function isIn({ when }: MaintenanceModel, now: number): boolean {
  if ("from" in when) return when.from <= now && now < when.until;
  const local = minuteOfWeek(now, when.zone);
  const days = when.days.length === 0 ? [0, 1, 2, 3, 4, 5, 6] : when.days;
  const lastsMinutes = when.forMs / 60_000;
  return days.some((day) => {
    const begun = (local - (day * DAY_MINUTES + when.at) + WEEK_MINUTES) % WEEK_MINUTES;
    return begun < lastsMinutes;
  });
}

/** Minutes since Monday, 00:00, by the clocks there. */
function minuteOfWeek(now: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  const number = (name: "hour" | "minute" | "second") => Number(parts.get(name));
  const day = DAYS.indexOf(parts.get("weekday") ?? "");
  return day * DAY_MINUTES + number("hour") * 60 + number("minute") + number("second") / 60;
}
