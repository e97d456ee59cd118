import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LimitsModel, SourceModel } from "../../engine/config/revision.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { createAdmission } from "../../engine/flow/admission.ts";
import { silentObserver } from "../../engine/flow/observer.ts";
import type { AcceptRequest, AcceptResult } from "../../engine/store/store.ts";
import { revisionOf } from "../support/revision.ts";

const START = Date.UTC(2026, 11, 1);

async function source(extra: string): Promise<{ source: SourceModel; limits: LimitsModel }> {
  const revision = await revisionOf({
    "config.yaml": `teams: { ops: {} }\nlimits: { ${extra.startsWith("limits ") ? extra.slice(7) : ""} }\nsources:\n  s: { path: /in, secrets: [s], signature: { scheme: hmac, header: x-signature }, type: body:type${extra.startsWith("limits ") ? "" : `, ${extra}`} }`,
  });
  return { source: revision.sources.get("s") as SourceModel, limits: revision.limits };
}

const request: AcceptRequest = { events: [], pipelines: [["a", "b"]] };
const accepted = async (): Promise<readonly AcceptResult[]> => [{ kind: "new", id: "evt_1" as never, seq: 1 }];
const endOfWork = {
  event: "evt_1" as never,
  source: "s",
  type: "t",
  pipeline: "a",
  status: "applied",
  deliveries: 0,
  lagMs: 0,
} as const;

describe("admission", () => {
  it("lets in who comes from the source's networks, in either spelling, and nobody else", async () => {
    const { source: s, limits } = await source('networks: ["10.0.0.0/8", "2001:db8::/32"]');
    const admission = createAdmission(createVirtualClock(START), async () => 0);
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7"])
      expect(admission.judge(address, s, limits)).toBeUndefined();
    for (const address of ["11.1.2.3", "2001:db9::7", "", "unknown"])
      expect(admission.judge(address, s, limits)).toEqual({ reason: "network", retryAfterS: 0 });
  });

  it("never lets more verified requests in than the rate in any stretch of its time, and says when to come again", async () => {
    const { source: s, limits } = await source("rate: 5/10s");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 4_000 }), { maxLength: 60 }), async (pauses) => {
        const clock = createVirtualClock(START);
        const admission = createAdmission(clock, async () => 0);
        const taken: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          const away = admission.judge("10.0.0.1", s, limits);
          if (away === undefined) {
            admission.count(s, limits);
            taken.push(clock.now());
          } else {
            expect(away.reason).toBe("rate");
            const oldest = taken.at(-5) ?? 0;
            expect(away.retryAfterS).toBe(Math.ceil((oldest + 10_000 - clock.now()) / 1_000));
          }
        }
        for (let i = 5; i < taken.length; i++)
          expect((taken[i] as number) - (taken[i - 5] as number)).toBeGreaterThanOrEqual(10_000);
      }),
    );
  });

  it("counts no request that was not verified: a stranger uses up nobody's share", async () => {
    const { source: s, limits } = await source("rate: 2/m");
    const admission = createAdmission(createVirtualClock(START), async () => 0);
    for (let i = 0; i < 100; i++) expect(admission.judge("10.0.0.1", s, limits)).toBeUndefined();
    for (let i = 0; i < 2; i++) admission.count(s, limits);
    expect(admission.judge("10.0.0.1", s, limits)).toEqual({ reason: "rate", retryAfterS: 60 });
  });

  it("holds the installation's rate over all sources, as something that passes", async () => {
    const { source: s, limits } = await source("limits accept_rate: 2/s");
    const clock = createVirtualClock(START);
    const admission = createAdmission(clock, async () => 0);
    admission.count(s, limits);
    admission.count({ ...s, name: "other" }, limits);
    expect(admission.judge("10.0.0.1", s, limits)).toEqual({ reason: "accept_rate", retryAfterS: 1 });
    clock.advance(1_000);
    expect(admission.judge("10.0.0.1", s, limits)).toBeUndefined();
  });

  it("keeps count of the work that waits, and asks the store again where its own count may have drifted", async () => {
    const { source: s, limits } = await source("limits backlog: 4");
    const clock = createVirtualClock(START);
    let [ready, asked] = [3, 0];
    const admission = createAdmission(clock, async () => {
      asked++;
      return ready;
    });
    const judge = () => admission.judge("10.0.0.1", s, limits)?.reason;
    expect(judge()).toBeUndefined();
    await Promise.resolve();
    // Two pipelines listen: two pieces of work more.
    await admission.accept(request, accepted);
    for (let i = 0; i < 50; i++) expect(judge()).toBe("backlog");
    expect(asked).toBe(1);
    const observer = admission.watch(silentObserver);
    observer.applied(endOfWork);
    expect(judge()).toBe("backlog");
    observer.applied(endOfWork);
    expect(judge()).toBeUndefined();
    ready = 9;
    clock.advance(5_000);
    judge();
    await Promise.resolve();
    expect([judge(), asked]).toEqual(["backlog", 2]);
  });

  it("closes while the store is stuck, and lets in again when it answers", async () => {
    const { source: s, limits } = await source("limits ");
    const clock = createVirtualClock(START);
    const admission = createAdmission(clock, async () => 0);
    const stuck = Promise.withResolvers<readonly AcceptResult[]>();
    const waiting = Array.from({ length: 64 }, () => admission.accept(request, () => stuck.promise));
    expect(admission.judge("10.0.0.1", s, limits)).toBeUndefined();
    clock.advance(1_001);
    expect(admission.judge("10.0.0.1", s, limits)).toEqual({ reason: "busy", retryAfterS: 2 });
    stuck.reject(new Error("locked"));
    await Promise.allSettled(waiting);
    expect(admission.judge("10.0.0.1", s, limits)).toBeUndefined();
  });
});
