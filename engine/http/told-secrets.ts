/** Secrets that providers told us and that wait for a person, as documents show them: never with their values. */
import type { LearnedSecret } from "../store/store.ts";

/** All of them, as `secrets list` shows them. */
export const secretDocuments = (secrets: readonly LearnedSecret[]) =>
  secrets.map(({ source, name, fingerprint, learnedAt, status }) => ({
    source,
    secret: fingerprint,
    name,
    status,
    learned_at: new Date(learnedAt).toISOString(),
  }));

/** The oldest first. */
export function waitingSecrets(secrets: readonly LearnedSecret[]) {
  return secrets
    .filter(({ status }) => status === "pending")
    .toSorted((a, b) => a.learnedAt - b.learnedAt)
    .map(({ source, name, fingerprint, learnedAt }) => ({
      source,
      secret: fingerprint,
      name,
      learned_at: new Date(learnedAt).toISOString(),
    }));
}
