/** What a handshake asks of us besides a reply: a secret to keep, a URL of the provider to call. The reply comes after both. */
import type { SourceModel } from "../config/revision.ts";
import type { MaybePromise } from "../core/types.ts";
import type { FetchedKeys, FetchKey } from "../provider/key.ts";
import type { HandshakeReply } from "../provider/model.ts";
import type { ProviderCalls } from "./keys.ts";
import type { LearnedSecrets } from "./learned.ts";

export interface GreetDeps {
  readonly source: SourceModel;
  /** Absent in tests and dry runs: then nothing can be fetched or confirmed. */
  readonly calls?: ProviderCalls | undefined;
  /** Absent: no secret is learned, and none is known. */
  readonly learned?: LearnedSecrets | undefined;
}

/** `refused`: as many secrets wait to be looked at as may wait. `later`: the store or the provider could not. */
export type Greeted = { readonly kind: "answered" } | { readonly kind: "refused" | "later"; readonly reason: string };

/** Does what the handshake asks for, durably, before it is answered. */
export async function greet(handshake: HandshakeReply, { source, calls, learned }: GreetDeps): Promise<Greeted> {
  if (handshake.learned !== undefined) {
    const kept = await learned?.learn(source.name, handshake.learned).catch(() => undefined);
    if (kept === undefined) return { kind: "later", reason: "secret_not_kept" };
    if (kept === "full") return { kind: "refused", reason: "too_many_secrets" };
  }
  if (handshake.fetch !== undefined && (await calls?.confirm(source.name, handshake.fetch)) !== true)
    return { kind: "later", reason: "not_confirmed" };
  return { kind: "answered" };
}

/** Keys for one source: learned ones from the store, others from the provider. */
export function keysOf({ source, calls, learned }: GreetDeps): FetchKey {
  return (wanted): MaybePromise<FetchedKeys | undefined> => {
    if (wanted.kind !== "learned") return calls?.fetchKey(source.name, wanted);
    return learned?.active(source.name, wanted.name).then(
      (keys) => ({ ok: true, keys }) as const,
      () => ({ ok: false, reason: "unreachable" }) as const,
    );
  };
}
