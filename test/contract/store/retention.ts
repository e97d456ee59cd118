/** What retention takes away, what it leaves, and what no purge may ever let in. */
import { describe, expect, it } from "vitest";
import type { PurgeRequest, PurgeResult, Store } from "../../../engine/store/store.ts";
import {
  accept,
  acceptWork,
  audit,
  commitOf,
  customer,
  deadLetter,
  deliverables,
  entityRecord,
  newDelivery,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

const LATE = START + 1e9;

/** Goes all round twice, and sums up. */
async function purgeAll(store: Store, request: Partial<PurgeRequest> = {}): Promise<Omit<PurgeResult, "more">> {
  const sum = { bodies: 0, keys: 0, events: 0, deadLetters: 0, history: 0, audit: 0 };
  for (let rounds = 0, calls = 0; rounds < 2 && calls < 100; calls++) {
    const result = await store.purge({ bodiesBefore: LATE, eventsBefore: LATE, now: LATE, limit: 3, ...request });
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += result[name];
    if (!result.more) rounds++;
  }
  return sum;
}

export function retentionContract(name: string, open: OpenStore): void {
  describe(`retention (${name})`, () => {
    it(
      "takes whole events that nothing knows any more, and keeps the newest so that no seq comes twice",
      withStore(open, async ({ store }) => {
        for (let n = 0; n < 10; n++) await store.commitApply(commitOf(await acceptWork(store, `evt_${n}`)));
        await acceptWork(store, "waits");
        await deliverables(store, "sending", [newDelivery("1")]);
        const dead = { status: "dead", dead: deadLetter("1") } as const;
        await store.commitApply(commitOf(await acceptWork(store, "dead"), { outcome: dead }));
        await store.commitApply(commitOf(await acceptWork(store, "newest")));
        expect(await purgeAll(store)).toMatchObject({ events: 10, bodies: 11, keys: 14 });
        expect((await store.events({})).map((event) => event.providerId)).toEqual([
          "newest",
          "dead",
          "sending",
          "waits",
        ]);
        expect(await accept(store, "evt_1", { receivedAt: LATE })).toMatchObject({ kind: "new", seq: 15 });
      }),
    );

    it(
      "keeps an event while its dedupe key is remembered, whatever the body's term",
      withStore(open, async ({ store }) => {
        const until = LATE + 1000;
        await store.commitApply(commitOf(await acceptWork(store, "known", { dedupeUntil: until })));
        await store.commitApply(commitOf(await acceptWork(store, "newest")));
        expect(await purgeAll(store)).toMatchObject({ events: 0, bodies: 2 });
        expect(await accept(store, "known", { receivedAt: until - 1 })).toMatchObject({ kind: "duplicate" });
        expect(await purgeAll(store, { now: until })).toMatchObject({ events: 1 });
      }),
    );

    it(
      "lets no duplicate in, however purges and repeats fall",
      withStore(open, async ({ store }) => {
        const ids = Array.from({ length: 60 }, (_, n) => `evt_${n}`);
        for (const id of ids) await store.commitApply(commitOf(await acceptWork(store, id, { dedupeUntil: LATE })));
        const request = { bodiesBefore: LATE, eventsBefore: LATE, now: LATE - 1, limit: 7 };
        const answers = await Promise.all(
          ids.flatMap((id) => [
            store.purge(request),
            accept(store, id, { receivedAt: LATE - 1 }),
            store.purge(request),
          ]),
        );
        const kinds = new Set(answers.flatMap((answer) => ("kind" in answer ? [answer.kind] : [])));
        expect([...kinds]).toEqual(["duplicate"]);
        expect((await store.events({ limit: 100 })).length).toBe(60);
        expect((await store.event(1))?.bodyPurged).toBe(true);
      }),
    );

    it(
      "gives up open dead letters at the end of their term, on the record, and their bodies then",
      withStore(open, async ({ store }) => {
        const dead = { status: "dead", dead: deadLetter("1") } as const;
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { outcome: dead }));
        expect(await purgeAll(store, { deadLettersBefore: START })).toMatchObject({ deadLetters: 0, bodies: 0 });
        expect(await purgeAll(store, { deadLettersBefore: LATE })).toMatchObject({ deadLetters: 1, bodies: 1 });
        expect(await store.deadLetter("dead_1")).toMatchObject({ status: "discarded", resolvedAt: LATE });
        expect((await store.story("evt_1"))?.summary.outcome).toBe("discarded");
        expect(await store.audit(9)).toMatchObject([{ actor: "engine", action: "dead.discard", target: "dead_1" }]);
      }),
    );

    it(
      "takes history and audit by their own terms; history outlives its event",
      withStore(open, async ({ store }) => {
        const row = { entity: customer, attribute: "tier", before: undefined, after: "pro", result: "set" } as const;
        const commit = { entities: [{ record: entityRecord(), expected: 0 }], history: [row] };
        await store.commitApply(commitOf(await acceptWork(store, "evt_1"), commit));
        await store.commitApply(commitOf(await acceptWork(store, "newest")));
        await store.setPause({ kind: "pipeline", name: "paid", since: START, by: "ann", reason: "" }, audit());
        expect(await purgeAll(store)).toMatchObject({ events: 1, history: 0, audit: 0 });
        expect(await store.lineage(customer, "tier", 9)).toMatchObject([{ after: "pro", event: "purged" }]);
        expect(await purgeAll(store, { historyBefore: LATE, auditBefore: START })).toMatchObject({
          history: 1,
          audit: 0,
        });
        expect(await store.lineage(customer, "tier", 9)).toEqual([]);
        expect(await store.entity("customer", customer.key)).toMatchObject({ attributes: { tier: { value: "team" } } });
        expect(await purgeAll(store, { auditBefore: LATE })).toMatchObject({ audit: 1 });
      }),
    );
  });
}
