/** What people do with alerts: silence what they know of, end a silence, try a channel. Each is audited. */
import type { Revision } from "../config/revision.ts";
import { parseAlertPattern } from "../core/alert-pattern.ts";
import type { Clock } from "../core/clock.ts";
import { formatDuration } from "../core/duration.ts";
import { fail } from "../core/errors.ts";
import type { Actor } from "../flow/engine.ts";
import type { AuditRow, Silence, Store } from "../store/store.ts";
import { type ChannelDeps, tell } from "./channels.ts";
import { type AlertDocument, summaryOf } from "./document.ts";

export interface Hands {
  /** Fails (HK8200, HK8201) for a pattern that can not be read, and for a time that is none. */
  silence(wanted: { readonly match: string; readonly forMs: number }, by: Actor): Promise<Silence>;
  /** False: none of that id lasts. */
  endSilence(id: string, by: Actor): Promise<boolean>;
  /** Sends a test message; fails (HK8202) for a channel that is not declared. */
  test(
    channel: string,
    by: Actor,
  ): Promise<{ readonly channel: string; readonly ok: boolean; readonly detail: string }>;
}

export interface HandsDeps extends ChannelDeps {
  readonly clock: Clock;
  readonly revision: () => Revision;
  readonly store: Pick<Store, "addSilence" | "endSilence">;
  readonly newId: (prefix: string) => string;
}

/** Longer than this is no silence but a rule with `severity: off`. */
const LONGEST_MS = 30 * 86_400_000;

export function createHands(deps: HandsDeps): Hands {
  const { clock, store, revision, newId } = deps;
  const audit = (action: string, target: string, by: Actor): AuditRow => ({
    at: clock.now(),
    actor: by.actor,
    action,
    target,
    reason: by.reason,
  });
  return {
    async silence({ match, forMs }, by) {
      checkSilence(match, forMs);
      const now = clock.now();
      const silence: Silence = {
        id: newId("sil"),
        match,
        from: now,
        until: now + forMs,
        by: by.actor,
        reason: by.reason,
        madeAt: now,
      };
      await store.addSilence(silence, audit("alerts.silence", `${match} for ${formatDuration(forMs)}`, by));
      return silence;
    },
    endSilence: (id, by) => store.endSilence(id, audit("alerts.unsilence", id, by)),
    async test(name, by) {
      const channel = revision().channels.get(name);
      if (channel === undefined) return fail("HK8202", { channel: name });
      const at = new Date(clock.now()).toISOString();
      const alert = testAlert(newId("alr"), { at, environment: revision().environment, actor: by.actor });
      const firing = { kind: "test", at, alert } as const;
      const outcome = await tell(channel, { key: alert.id, message: firing, attempt: 1 }, deps);
      const ok = outcome.kind === "delivered";
      // A pager would wake someone for an alert that nobody closes.
      const resolved = { kind: "resolved", at, alert: { ...alert, status: "resolved", resolved_at: at } } as const;
      if (ok) await tell(channel, { key: `${alert.id}-end`, message: resolved, attempt: 1 }, deps);
      return { channel: name, ok, detail: ok ? summaryOf(firing) : (outcome.detail ?? outcome.kind) };
    },
  };
}

export function checkSilence(match: string, forMs: number): void {
  if (parseAlertPattern(match) === undefined) fail("HK8200", { match });
  if (forMs <= 0 || forMs > LONGEST_MS) fail("HK8201", { given: formatDuration(forMs) });
}

function testAlert(
  id: string,
  { at, environment, actor }: { readonly at: string; readonly environment: string; readonly actor: string },
): AlertDocument {
  const text = `${actor} tries this channel; nothing is wrong`;
  return {
    id,
    status: "firing",
    severity: "alert",
    title: "this channel works",
    cause: { kind: "engine", name: "test" },
    environment,
    opened_at: at,
    resolved_at: null,
    pipelines: [],
    findings: [{ kind: "test", rule: "test", severity: "alert", since: at, text, runbook: null }],
    type: ["hookrail alerts"],
    told: [],
    silenced: null,
  };
}
