/** Brings messages to channels: those in the store durably, those about the store itself from memory; tried again, then handed to the fallback. */
import type { ChannelModel } from "../config/operations.ts";
import type { BackoffPlan } from "../core/backoff.ts";
import { MAX_RETRY_AFTER_MS, nextAttempt } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { JsonObject } from "../core/types.ts";
import type { Outcome } from "../plugin/index.ts";
import type { AlertMessage, AlertMessageEnd, Store } from "../store/store.ts";
import { type ChannelDeps, tell } from "./channels.ts";
import type { MessageDocument } from "./document.ts";
import { LOG_CHANNEL } from "./routes.ts";

/** Soon, then every five minutes, for a day. */
const PLAN: BackoffPlan = { baseMs: 2_000, capMs: 300_000, horizonMs: 86_400_000 };
/** As many attempts fail before the fallback is told: a page may not wait for a chat that is down. */
const BEFORE_FALLBACK = 3;
const AT_ONCE = 20;

export interface ChannelHealth {
  readonly channel: string;
  readonly lastSentAt?: number;
  /** Since its last success it has failed. */
  readonly failing?: { readonly since: number; readonly attempts: number; readonly detail: string };
}

export interface SenderDeps extends ChannelDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly store: Pick<Store, "dueAlertMessages" | "nextAlertMessage" | "endAlertMessage">;
  readonly channel: (name: string) => ChannelModel | undefined;
  /** A channel that was told goes on being told of the alert. */
  readonly onHanded: (alert: string, from: string, to: string) => void;
}

/** A message that goes around the store. */
export interface DirectMessage {
  readonly channel: string;
  readonly alert: string;
  readonly document: MessageDocument;
}

export interface Sender {
  /** Sends what is due; resolves when each has been tried. */
  send(): Promise<void>;
  direct(messages: readonly DirectMessage[]): void;
  /** When something falls due next. */
  nextAt(): Promise<number | undefined>;
  health(): readonly ChannelHealth[];
}

interface Waiting extends DirectMessage {
  readonly seq: number;
  readonly createdAt: number;
  nextAt: number;
  attempts: number;
}

const LOG: ChannelModel = { name: LOG_CHANNEL, via: { kind: "log" }, allowPrivate: false };

export function createSender(deps: SenderDeps): Sender {
  const { clock, store } = deps;
  const health = new Map<string, ChannelHealth>();
  let waiting: Waiting[] = [];
  let directSeq = 0;

  /** Declared no more: what it was to hear is not lost. */
  const find = (name: string): ChannelModel => deps.channel(name) ?? LOG;

  async function attempt(
    message: Pick<AlertMessage, "channel" | "seq" | "attempts" | "createdAt" | "alert">,
    document: MessageDocument,
  ): Promise<{ readonly end: AlertMessageEnd["end"]; readonly detail: string }> {
    const channel = find(message.channel);
    const key = `${message.alert}-${message.seq}`;
    const outcome = await tell(channel, { key, message: document, attempt: message.attempts + 1 }, deps);
    note(message.channel, outcome);
    if (outcome.kind === "delivered") return { end: "sent", detail: "" };
    const failed = message.attempts + 1;
    const isFinal = outcome.kind === "rejected" || outcome.kind === "pause";
    if (channel.fallback !== undefined && (isFinal || failed >= BEFORE_FALLBACK)) {
      deps.onHanded(message.alert, message.channel, channel.fallback);
      return { end: { handedTo: channel.fallback }, detail: outcome.detail };
    }
    const now = clock.now();
    const next = nextAttempt(PLAN, {
      attempt: failed,
      horizonFrom: message.createdAt,
      now,
      random: deps.random(),
      ...("afterMs" in outcome && outcome.afterMs !== undefined ? { retryAfterMs: outcome.afterMs } : {}),
    });
    deps.log.repeating("error", `channel ${message.channel}`, "an alert could not be told", {
      channel: message.channel,
      alert: document.alert.title,
      detail: outcome.detail,
    });
    // A refusal may be a key that is changed soon: it is tried on like the rest, only not as often.
    if (!next.retry) return { end: "failed", detail: outcome.detail };
    return { end: { nextAt: isFinal ? Math.max(next.at, now + 60_000) : next.at }, detail: outcome.detail };
  }

  function note(channel: string, outcome: Outcome): void {
    const now = clock.now();
    if (outcome.kind === "delivered") {
      health.set(channel, { channel, lastSentAt: now });
      return;
    }
    const before = health.get(channel);
    const { since = now, attempts = 0 } = before?.failing ?? {};
    health.set(channel, {
      ...before,
      channel,
      failing: { since, attempts: attempts + 1, detail: outcome.detail ?? "" },
    });
  }

  async function sendStored(): Promise<void> {
    for (;;) {
      const due = await store.dueAlertMessages(clock.now(), AT_ONCE);
      if (due.length === 0) return;
      await Promise.all(
        due.map(async (message) => {
          const document = message.document as unknown as MessageDocument;
          const { end, detail } = await attempt(message, document);
          await store.endAlertMessage({ seq: message.seq, at: clock.now(), detail, end });
        }),
      );
    }
  }

  async function sendDirect(): Promise<void> {
    const now = clock.now();
    const due = waiting.filter((one) => isDue(one.nextAt, now));
    await Promise.all(
      due.map(async (message) => {
        const { end } = await attempt(message, message.document);
        message.attempts++;
        if (typeof end === "string") waiting = waiting.filter((one) => one !== message);
        else if ("nextAt" in end) message.nextAt = end.nextAt;
        else {
          waiting = waiting.filter((one) => one !== message);
          waiting.push({ ...message, channel: end.handedTo, attempts: 0, nextAt: clock.now() });
        }
      }),
    );
    if (waiting.some((one) => isDue(one.nextAt, now) && !due.includes(one))) await sendDirect();
  }

  return {
    async send() {
      await sendDirect();
      await sendStored();
    },
    direct(messages) {
      const now = clock.now();
      for (const message of messages)
        waiting.push({ ...message, seq: --directSeq, createdAt: now, nextAt: now, attempts: 0 });
    },
    async nextAt() {
      const stored = await store.nextAlertMessage();
      const all = [...(stored === undefined ? [] : [stored]), ...waiting.map((one) => one.nextAt)];
      return all.length === 0 ? undefined : Math.min(...all);
    },
    health: () => [...health.values()],
  };
}

/** No retry is that far away: the clock was ahead when it was set. */
const isDue = (nextAt: number, now: number) => nextAt <= now || nextAt > now + MAX_RETRY_AFTER_MS;

/** As the store keeps it. */
export const asJson = (document: MessageDocument): JsonObject => document as unknown as JsonObject;
