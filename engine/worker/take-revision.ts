/** Asks the store to put a revision in force, and turns a refusal into words. */

import { namesOf } from "../config/names.ts";
import type { Revision } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import type { Actor } from "../flow/engine.ts";
import type { HeldName, NameChange, NameKind, Store } from "../store/store.ts";

const ONE: Readonly<Record<NameKind, string>> = {
  pipelines: "pipeline",
  sources: "source",
  connections: "connection",
  entities: "entity",
  attributes: "attribute",
  states: "state",
};

/** What happened to live rows. Fails (HK8041, HK8042) when the revision would lose sight of some: nothing was changed. */
export async function takeRevision(
  store: Pick<Store, "takeRevision">,
  revision: Revision,
  { actor, reason, at }: Actor & { readonly at: number },
): Promise<readonly NameChange[]> {
  const taken = await store.takeRevision({
    revision: {
      hash: revision.hash,
      ...(revision.gitCommit === undefined ? {} : { gitCommit: revision.gitCommit }),
      files: revision.files,
      at,
    },
    names: namesOf(revision),
    moved: revision.moved,
    drop: revision.drop,
    actor,
    reason,
  });
  switch (taken.kind) {
    case "taken":
      return taken.changes;
    case "held":
      return fail("HK8041", { names: taken.names.map(inWords).join("; ") });
    case "occupied":
      return fail("HK8042", {
        names: taken.names.map(({ kind, from, to }) => `${ONE[kind]} \`${from}\` -> \`${to}\``).join("; "),
      });
  }
}

/** `state subscription.trialing (12 entities)`. */
export function inWords({ kind, name, rows }: HeldName): string {
  return `${ONE[kind]} \`${name}\` (${rows.map(({ count, what }) => `${count} ${what}`).join(", ") || "no rows"})`;
}
