/**
 * Secrets that a provider tells us in a handshake (Asana, Notion). Anybody could tell us one, so each waits until a person
 * has accepted it: till then it verifies nothing. Its value leaves the store only for that person, audited.
 */
import { hash } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import { fail } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import type { LearnedSecret, Store } from "../store/store.ts";
import type { Actor } from "./engine.ts";

/** Secrets of one source that wait: more are refused, so that a stranger can not fill the store. */
const MAX_PENDING = 8;
/** No provider's secret is as long. */
const MAX_LENGTH = 512;

export interface LearnedSecrets {
  /** Values of accepted secrets, newest first. */
  active(source: string, name: string): Promise<readonly string[]>;
  learn(source: string, told: { readonly name: string; readonly value: Secret }): Promise<"new" | "known" | "full">;
}

/** What is done with one of them. */
export interface SecretJudging {
  readonly source: string;
  /** Its fingerprint, or the start of it. */
  readonly secret: string;
  readonly verb: "accept" | "discard" | "show";
}

export interface JudgedSecret {
  readonly fingerprint: string;
  readonly status: LearnedSecret["status"];
  /** For `show` only. */
  readonly value?: string;
}

/** The first 12 hex digits of its SHA-256: tells secrets apart and is no help in finding one. */
const fingerprintOf = (value: string) => hash("sha256", `hookrail learned secret\n${value}`, "hex").slice(0, 12);

type Deps = {
  readonly store: Pick<Store, "learnedSecrets" | "learnSecret" | "judgeSecret">;
  readonly clock: Clock;
  readonly onNew?: (fact: { readonly source: string; readonly name: string; readonly fingerprint: string }) => void;
};

export function createLearnedSecrets({ store, clock, onNew }: Deps): LearnedSecrets {
  return {
    async active(source, name) {
      const all = await store.learnedSecrets(source);
      return all.filter((one) => one.name === name && one.status === "accepted").map((one) => one.value);
    },
    async learn(source, { name, value }) {
      const text = value.reveal();
      if (text.trim() === "" || text.length > MAX_LENGTH) return "full";
      const fingerprint = fingerprintOf(text);
      const all = await store.learnedSecrets(source);
      if (all.some((one) => one.name === name && one.fingerprint === fingerprint)) return "known";
      if (all.filter((one) => one.status === "pending").length >= MAX_PENDING) return "full";
      await store.learnSecret({ source, name, fingerprint, value: text, learnedAt: clock.now(), status: "pending" });
      onNew?.({ source, name, fingerprint });
      return "new";
    },
  };
}

/** Accepts, discards or shows one. Fails (HK8090) when there is none, or more than one, that it could be. */
export async function judgeSecret(judging: SecretJudging, deps: Deps, by: Actor): Promise<JudgedSecret> {
  const { source, secret, verb } = judging;
  const found = (await deps.store.learnedSecrets(source)).filter((one) => one.fingerprint.startsWith(secret));
  const [one, ...others] = found;
  if (secret.length < 4 || one === undefined || others.length > 0)
    return fail("HK8090", { source, secret, found: found.length });
  const status = verb === "accept" ? "accepted" : verb === "discard" ? undefined : one.status;
  const { fingerprint } = one;
  await deps.store.judgeSecret({
    source,
    fingerprint,
    ...(status === undefined ? {} : { status }),
    audit: { at: deps.clock.now(), action: `secret.${verb}`, target: `${source} ${fingerprint}`, ...by },
  });
  return { fingerprint, status: status ?? one.status, ...(verb === "show" ? { value: one.value } : {}) };
}
