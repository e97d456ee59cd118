/** Corrections of dead letters: what they keep, what they give back, and what takes them away. */
import { describe, expect, it } from "vitest";
import type { DeadLetterId, DeliveryId } from "../../../engine/core/types.ts";
import type { BodyEdit, Store } from "../../../engine/store/store.ts";
import {
  acceptWork,
  audit,
  commitOf,
  deadLetter,
  deliverables,
  newDelivery,
  newEvent,
  START,
  sha256,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

const corrected = Buffer.from('{"id":"evt_1","plan":"pro_canary"}');
const edit = (changes: Partial<BodyEdit> = {}): BodyEdit => ({
  body: corrected,
  beforeHash: sha256("before"),
  afterHash: sha256(corrected),
  paths: ["plan"],
  pipelines: ["paid"],
  ...changes,
});
const letter = deadLetter("1");
const request = (changes: Partial<BodyEdit> = {}) => ({ id: letter.id, edit: edit(changes), audit: audit() });

/** An event that died, known as `evt_1`. */
async function died(store: Store): Promise<void> {
  await store.commitApply(commitOf(await acceptWork(store, "evt_1"), { outcome: { status: "dead", dead: letter } }));
}

export function editContract(name: string, open: OpenStore): void {
  describe(`corrections (${name})`, () => {
    it(
      "give the event its work back with the corrected body, beside the one that was received",
      withStore(open, async ({ store }) => {
        await died(store);
        const before = await store.story("evt_1");
        expect(await store.editDeadLetter(request())).toBe("done");
        const [again] = await store.readyWork(0, 10);
        expect(Buffer.from(again?.event.edited ?? []).toString()).toBe(corrected.toString());
        const { edited: _edited, ...kept } = again?.event ?? {};
        expect(kept).toEqual(before?.event);
        const told = { at: START + 500, actor: "ann", reason: "fixed the table" };
        expect((await store.story("evt_1"))?.edits).toEqual([
          { ...told, beforeHash: sha256("before"), afterHash: sha256(corrected), paths: ["plan"] },
        ]);
        expect(await store.deadLetter(letter.id)).toMatchObject({
          status: "retried",
          resolution: "edited: fixed the table",
        });
        expect(await store.audit(10)).toEqual([audit()]);
      }),
    );

    it(
      "happen once, and not to what is closed, busy, sent, or an effect: then nothing is written",
      withStore(open, async ({ store }) => {
        await died(store);
        expect(await Promise.all([store.editDeadLetter(request()), store.editDeadLetter(request())])).toEqual([
          "done",
          "closed",
        ]);
        expect(await store.editDeadLetter({ ...request(), id: "dead_none" as DeadLetterId })).toBe("closed");
        await deliverables(store, "evt_2", [newDelivery("1"), newDelivery("2", { kind: "effect" })]);
        const frozen = { summary: "PUT", data: { body: "1" } };
        const [sent, effect] = [deadLetter("sent"), deadLetter("effect")];
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "dead", frozen, dead: sent });
        await store.settleDelivery({ delivery: "dlv_2" as DeliveryId, status: "dead", dead: effect });
        expect(await store.editDeadLetter({ ...request(), id: sent.id })).toBe("sent");
        expect(await store.editDeadLetter({ ...request(), id: effect.id })).toBe("effect");
        expect((await store.story("evt_2"))?.edits).toEqual([]);
        expect(await store.deadLetters({ status: "open" })).toHaveLength(2);
        expect(await store.audit(10)).toHaveLength(1);
      }),
    );

    it(
      "of a delivery that was never sent end it, and give its event another turn without effects",
      withStore(open, async ({ store }) => {
        await deliverables(store, "evt_2", [newDelivery("1")]);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "dead", dead: letter });
        expect(await store.editDeadLetter(request())).toBe("done");
        const [turn] = (await store.replayWork(0, 10)) as readonly object[];
        expect(turn).toMatchObject({ pipeline: "paid", replay: { generation: 1, effects: false } });
        const story = await store.story("evt_2");
        expect(story?.deliveries.map(({ delivery }) => delivery.status)).toEqual(["superseded"]);
        expect(await store.editDeadLetter(request())).toBe("closed");
      }),
    );

    it(
      "give what could not be read a type and a time, and leave its id and dedupe key",
      withStore(open, async ({ store }) => {
        const unreadable = newEvent("evt_9", {
          type: "unreadable",
          unreadable: { code: "HK3012", message: "no JSON" },
        });
        await store.accept({ events: [unreadable], pipelines: [[]] });
        const [found] = await store.deadLetters({});
        const identity = { type: "invoice.paid", occurredAt: START - 7, clockResolutionMs: 1000, rank: 5 };
        const id = found?.id ?? expect.unreachable("no dead letter");
        expect(await store.editDeadLetter({ ...request({ identity, pipelines: ["paid", "mail"] }), id })).toBe("done");
        const work = await store.readyWork(0, 10);
        expect(work.map(({ pipeline }) => pipeline)).toEqual(["paid", "mail"]);
        expect(work[0]?.event).toMatchObject({ ...identity, providerId: "evt_9", dedupeKey: "p:evt_9" });
        expect((await store.story("evt_9"))?.summary.outcome).toBe("accepted");
        expect(await store.accept({ events: [unreadable], pipelines: [[]] })).toMatchObject([{ kind: "duplicate" }]);
      }),
    );

    it(
      "go with the body that retention takes, and with the event",
      withStore(open, async ({ store }) => {
        await died(store);
        await store.editDeadLetter(request());
        const [work] = await store.readyWork(0, 10);
        await store.commitApply(commitOf(work ?? expect.unreachable("no work")));
        await store.commitApply(commitOf(await acceptWork(store, "newest")));
        const late = START + 1e9;
        for (let more = true; more; ) ({ more } = await store.purge({ bodiesBefore: late, now: 0, limit: 10 }));
        const story = await store.story("evt_1");
        expect(story?.event).toMatchObject({ bodyPurged: true });
        expect(story?.event.edited).toBeUndefined();
        expect(story?.edits).toMatchObject([{ actor: "ann", paths: ["plan"] }]);
      }),
    );

    it(
      "are found and forgotten by an erasure, though only they name the entity",
      withStore(open, async ({ store }) => {
        await died(store);
        await store.editDeadLetter(request());
        const plan = await store.erasePlan("customer", "pro_canary");
        expect(plan.events).toHaveLength(1);
        await store.erase({ plan, at: START + 600, actor: "ann", reason: "asked" });
        expect((await store.story("evt_1"))?.edits).toEqual([]);
        expect((await store.erasePlan("customer", "pro_canary")).events).toEqual([]);
      }),
    );
  });
}
