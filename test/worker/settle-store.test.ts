import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { HookrailError } from "../../engine/core/errors.ts";
import type { DeliveryId } from "../../engine/core/types.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import { openSqliteStore } from "../../engine/store/sqlite.ts";
import type { DeliverySettlement } from "../../engine/store/store.ts";
import { withPatientSettling } from "../../engine/worker/settle-store.ts";

const settlement: DeliverySettlement = { delivery: "dlv_1" as DeliveryId, status: "delivered" };

async function patient(answers: (Error | undefined)[], stopping = () => false) {
  const clock = createVirtualClock(0);
  const store = await openSqliteStore({ path: ":memory:", clock, thread: false });
  let calls = 0;
  const failing = {
    ...store,
    async settleDelivery() {
      const answer = answers[calls++];
      if (answer !== undefined) throw answer;
    },
  };
  const { settleDelivery } = withPatientSettling(failing, { clock, observer: silentObserver, isStopping: stopping });
  return { clock, settleDelivery, calls: () => calls, close: () => store.close() };
}

const turns = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe("withPatientSettling", () => {
  it("tries again until the store holds what an attempt came to", async () => {
    const full = new HookrailError("HK4008", {});
    const { clock, settleDelivery, calls, close } = await patient([full, full, undefined]);
    const settled = settleDelivery(settlement);
    for (let second = 0; second < 2; second++) {
      await turns();
      clock.advance(1_000);
    }
    await settled;
    expect(calls()).toBe(3);
    await close();
  });

  it("does not insist on a move that is not allowed", async () => {
    const { settleDelivery, close } = await patient([new HookrailError("HK4013", {})]);
    await expect(settleDelivery(settlement)).rejects.toMatchObject({ code: "HK4013" });
    await close();
  });

  it("gives up when the engine stops: the next start finds the attempt", async () => {
    const { settleDelivery, close } = await patient([new HookrailError("HK4008", {})], () => true);
    await expect(settleDelivery(settlement)).rejects.toMatchObject({ code: "HK4008" });
    await close();
  });
});
