import { describe, expect, it } from "vitest";
import { floatingFailure, offAccount, onAccount, sendOnAccount } from "../../engine/plugin/floating.ts";
import type { SinkContext } from "../../engine/plugin/index.ts";

const account = { kind: "sink", plugin: "ledger", connection: "books" } as const;

describe("a promise that nobody waits for", () => {
  it("is the engine's own outside of plugins: nobody is blamed", () => {
    expect(floatingFailure(new Error("x"))).toBeUndefined();
  });

  it("is the plugin's in all that its code begins, also later", async () => {
    const told: unknown[] = [];
    await onAccount(account, async () => {
      told.push(floatingFailure(new TypeError("secret value")));
      await new Promise((resolve) => setTimeout(resolve, 1));
      told.push(floatingFailure(Object.assign(new Error("secret value"), { code: "ENOENT" })));
      told.push(floatingFailure("secret value"));
    });
    expect(told).toMatchObject([{ error: "TypeError" }, { error: "ENOENT" }, { ...account, error: "string" }]);
    expect(JSON.stringify(told)).not.toContain("secret value");
    expect(told[0]).toMatchObject({ at: expect.stringMatching(/floating\.test\.ts:\d+:\d+$/) });
  });

  it("is the engine's own in what the engine does for a plugin", async () => {
    const seen: unknown[] = [];
    const look = () => seen.push(floatingFailure(new Error("ours")));
    const context = {
      connection: "books",
      http: {
        request: async () => {
          look();
          await new Promise((resolve) => setTimeout(resolve, 1));
          look();
          return { ok: false, sent: false, reason: "dns", detail: "" } as const;
        },
        close: async () => void look(),
      },
      evaluate: async () => void look(),
      openPreset: async () => expect.unreachable(),
    } as unknown as SinkContext;
    await onAccount(account, async () => {
      const { http, evaluate } = offAccount(context);
      const signal = AbortSignal.timeout(1000);
      expect(await http.request({ method: "GET", url: "x", headers: {}, signal })).toMatchObject({ reason: "dns" });
      await evaluate({} as never, null);
      await http.close?.();
      // Back in the plugin's own code.
      expect(floatingFailure(new Error("theirs"))).toMatchObject(account);
    });
    expect(seen).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("makes the answer of an attempt worth nothing, and no other's", async () => {
    const attempt = (fails: boolean) =>
      sendOnAccount(account, async () => {
        if (fails) setImmediate(() => floatingFailure(new Error("x")));
        return "delivered";
      });
    const [bad, good] = await Promise.allSettled([attempt(true), attempt(false)]);
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "HK5440" } });
    expect(good).toEqual({ status: "fulfilled", value: "delivered" });
  });
});
