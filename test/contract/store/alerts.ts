/** What alerts keep: counts with their cursor, alerts, messages in order, silences; and how events stand. */
import { describe, expect, it } from "vitest";
import type { DeliveryId } from "../../../engine/core/types.ts";
import type { AlertSave } from "../../../engine/store/store.ts";
import {
  accept,
  acceptWork,
  audit,
  commitOf,
  deadLetter,
  deliverables,
  newDelivery,
  START,
} from "../../support/store-fixtures.ts";
import type { OpenStore } from "../store.contract.ts";
import { withStore } from "./with-store.ts";

const save = (parts: Partial<AlertSave>): AlertSave => ({
  counts: [],
  cursors: [],
  hours: [],
  alerts: [],
  messages: [],
  ...parts,
});

export function alertContract(name: string, open: OpenStore): void {
  describe(`what alerts keep (${name})`, () => {
    it(
      "tells of each event how it stands in each pipeline",
      withStore(open, async ({ store, clock }) => {
        await store.commitApply(commitOf(await acceptWork(store, "evt_1")));
        await deliverables(store, "evt_2", [newDelivery("1")]);
        await accept(store, "evt_3");
        const letter = deadLetter("1");
        await store.commitApply(
          commitOf(await acceptWork(store, "evt_4"), { outcome: { status: "dead", dead: letter } }),
        );
        expect((await store.standings(0, START, 10)).map(({ turns }) => turns[0])).toEqual([
          { pipeline: "paid", status: "done", endedAt: START + 100, drift: false },
          { pipeline: "paid", status: "open", connection: "crm", drift: false },
          { pipeline: "paid", status: "open", drift: false },
          { pipeline: "paid", status: "dead", drift: false },
        ]);
        clock.set(START + 500);
        await store.settleDelivery({ delivery: "dlv_1" as DeliveryId, status: "delivered" });
        const [, second] = await store.standings(0, START, 10);
        expect(second?.turns[0]).toMatchObject({ status: "done", connection: "crm" });
        expect(await store.standings(0, START - 1, 10)).toEqual([]);
        expect((await store.alertFacts()).dead).toEqual([
          {
            pipeline: "paid",
            source: "",
            connection: "",
            code: letter.code,
            open: 1,
            oldestAt: letter.createdAt,
            newestAt: letter.createdAt,
          },
        ]);
      }),
    );

    it(
      "adds to counts, joins old ones, and lets the oldest go",
      withStore(open, async ({ store }) => {
        const count = { pipeline: "paid", at: 120_000, cause: "", good: 2, bad: 1 };
        await store.saveAlerts(save({ counts: [count], cursors: [{ pipeline: "paid", seq: 3 }] }));
        await store.saveAlerts(
          save({ counts: [count, { ...count, at: 60_000 }], cursors: [{ pipeline: "paid", seq: 7 }] }),
        );
        expect(await store.sloCounts(0)).toEqual([
          { ...count, at: 60_000 },
          { ...count, good: 4, bad: 2 },
        ]);
        expect(await store.sloCursors()).toEqual([{ pipeline: "paid", seq: 7 }]);
        const purge = { joinBefore: 3_600_000, joinMs: 3_600_000, countsBefore: 0, hoursBefore: 0, doneBefore: 0 };
        await store.purgeAlerts(purge);
        await store.purgeAlerts(purge);
        expect(await store.sloCounts(0)).toEqual([{ ...count, at: 0, good: 6, bad: 3 }]);
        await store.purgeAlerts({ ...purge, countsBefore: 1 });
        expect(await store.sloCounts(0)).toEqual([]);
      }),
    );

    it(
      "gives messages of one alert and channel one after the other, and hands one over",
      withStore(open, async ({ store }) => {
        const message = { alert: "alr_1", channel: "pager", kind: "firing", document: { n: 1 }, at: START };
        const alert = { id: "alr_1", subject: "connection:crm", openedAt: START, document: {} };
        await store.saveAlerts(save({ alerts: [alert], messages: [message, { ...message, kind: "resolved" }] }));
        const [first, ...more] = await store.dueAlertMessages(START, 10);
        expect(more).toEqual([]);
        expect(first).toMatchObject({ kind: "firing", attempts: 0, document: { n: 1 } });
        const seq = first?.seq ?? 0;
        await store.endAlertMessage({ seq, at: START, detail: "status 500", end: { nextAt: START + 10 } });
        expect(await store.dueAlertMessages(START, 10)).toEqual([]);
        expect(await store.nextAlertMessage()).toBe(START + 10);
        // No retry is that far away: the clock was ahead when it was set, and is right again.
        expect((await store.dueAlertMessages(START - 24 * 3_600_000, 10)).map((one) => one.seq)).toEqual([seq]);
        expect(await store.dueAlertMessages(START - 3_000_000, 10)).toEqual([]);
        await store.endAlertMessage({ seq, at: START + 10, detail: "status 500", end: { handedTo: "chat" } });
        const due = await store.dueAlertMessages(START + 10, 10);
        expect(due.map(({ channel, kind }) => `${channel} ${kind}`)).toEqual(["pager resolved", "chat firing"]);
        for (const one of due) await store.endAlertMessage({ seq: one.seq, at: START, detail: "", end: "sent" });
        expect(await store.nextAlertMessage()).toBeUndefined();
        expect(await store.alerts({ open: true, limit: 5 })).toEqual([alert]);
        await store.saveAlerts(save({ alerts: [{ ...alert, resolvedAt: START + 5 }] }));
        expect(await store.alerts({ open: true, limit: 5 })).toEqual([]);
        expect(await store.alerts({ limit: 5 })).toHaveLength(1);
      }),
    );

    it(
      "ends a silence before its time, audited, once",
      withStore(open, async ({ store }) => {
        const silence = {
          id: "sil_1",
          match: "connection=crm",
          from: START,
          until: START + 100,
          by: "ann",
          reason: "deploy",
          madeAt: START,
        };
        await store.addSilence(silence, audit());
        expect(await store.silences(START)).toEqual([silence]);
        expect(await store.endSilence("sil_1", audit({ at: START + 50 }))).toBe(true);
        expect(await store.endSilence("sil_1", audit({ at: START + 60 }))).toBe(false);
        expect(await store.silences(START + 50)).toEqual([]);
        expect(await store.audit(10)).toHaveLength(2);
      }),
    );
  });
}
