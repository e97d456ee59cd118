import { beforeAll, describe, expect, it } from "vitest";
import type { Revision } from "../../engine/config/revision.ts";
import { createVirtualClock } from "../../engine/core/clock.ts";
import { HookrailError } from "../../engine/core/errors.ts";
import type { Evaluator } from "../../engine/core/expression.ts";
import { type Log, silentLog } from "../../engine/core/log.ts";
import type { Successor } from "../../engine/flow/engine.ts";
import { createReloader } from "../../engine/reload/reloader.ts";
import { baseConfig, type Check, createCheck } from "../config/support.ts";

let check: Check;
beforeAll(async () => {
  check = await createCheck(["file"]);
});

const by = { actor: "ann", reason: "test" };

interface Logged {
  readonly message: string;
  readonly fields: unknown;
}

function prepare() {
  const files = { "config.yaml": baseConfig };
  const first = check(files).revision as Revision;
  const logged: Logged[] = [];
  const write = (message: string, fields?: unknown) => void logged.push({ message, fields });
  const log: Log = { ...silentLog, info: write, error: write };
  const evaluators: string[] = [];
  const evaluator = (name: string) =>
    ({ name, close: async () => void evaluators.push(`closed ${name}`) }) as unknown as Evaluator;
  const swaps: Successor[] = [];
  const state = { revision: first, evaluator: evaluator("first"), code: "c1", builds: 0 };
  /** Set to hold up, or to refuse, the next swap. */
  let onSwap: () => Promise<void> = async () => {};
  const reloader = createReloader({
    engine: {
      get revision() {
        return state.revision;
      },
      async swap(next) {
        await onSwap();
        swaps.push(next);
        state.revision = next.revision;
        return ["connection `a` (1 open deliveries)"];
      },
    },
    build: async () => {
      state.builds++;
      return { loaded: check(files), code: state.code, read: new Map() };
    },
    evaluator: {
      get: () => state.evaluator,
      set: (made) => {
        state.evaluator = made;
        return made;
      },
    },
    code: "c1",
    createEvaluator: async () => {
      evaluators.push("made");
      return evaluator("second");
    },
    onTaken: () => {},
    onRead: () => {},
    clock: createVirtualClock(0),
    log,
  });
  return {
    reloader,
    swaps,
    logged,
    evaluators,
    state,
    edit: (change: (text: string) => string) => (files["config.yaml"] = change(files["config.yaml"])),
    onSwap: (next: () => Promise<void>) => (onSwap = next),
  };
}

describe("createReloader", () => {
  it("takes a change, and does nothing about files that were only touched", async () => {
    const { reloader, swaps, edit, logged } = prepare();
    expect((await reloader.reload("files", by)).result).toBe("unchanged");
    expect([swaps.length, logged.length, reloader.last()]).toEqual([0, 0, undefined]);
    edit((text) => `# note\n${text}`);
    const taken = await reloader.reload("files", by);
    expect(taken).toMatchObject({ result: "taken", changes: ["connection `a` (1 open deliveries)"] });
    expect(taken.fileRevision).toBe(taken.revision);
    expect(swaps[0]?.keep).toEqual(new Set(["out"]));
  });

  it("refuses a config with errors with its frames, and tells when it is mended", async () => {
    const { reloader, swaps, edit, logged, state } = prepare();
    edit((text) => text.replace("connections:", "conections:"));
    const refused = await reloader.reload("files", by);
    expect(refused).toMatchObject({ result: "refused", revision: state.revision.hash, error: { code: "HK8040" } });
    expect(refused.fileRevision).toBeUndefined();
    expect(refused.error?.frames[0]).toContain("did you mean `connections`?");
    expect(JSON.stringify(logged)).toContain("conections");
    edit((text) => text.replace("conections:", "connections:"));
    expect(await reloader.reload("files", by)).toMatchObject({ result: "unchanged" });
    expect(reloader.last()?.result).toBe("unchanged");
    expect(swaps).toEqual([]);
  });

  it("gives a new evaluator with new times, and closes it when the swap is refused", async () => {
    const { reloader, evaluators, edit, onSwap, state } = prepare();
    edit((text) => `limits: { mapping_timeout: 99ms }\n${text}`);
    onSwap(() => Promise.reject(new HookrailError("HK8044", { within: 5 })));
    expect((await reloader.reload("files", by)).error?.code).toBe("HK8044");
    expect(evaluators).toEqual(["made", "closed second"]);
    expect(Reflect.get(state.evaluator, "name")).toBe("first");
    onSwap(async () => {});
    expect((await reloader.reload("files", by)).result).toBe("taken");
    expect(Reflect.get(state.evaluator, "name")).toBe("second");
    expect(evaluators).toEqual(["made", "closed second", "made"]);
  });

  it("refuses other code of sinks and keys of the start by name", async () => {
    const { reloader, edit, state } = prepare();
    state.code = "c2";
    edit((text) => `store: sqlite:./other.db\n${text}`);
    expect((await reloader.reload("files", by)).error?.message).toContain("store, sinks in code can not change");
  });

  it("says nothing of what a foreign error quotes", async () => {
    const { reloader, edit, onSwap } = prepare();
    edit((text) => `# note\n${text}`);
    onSwap(() => Promise.reject(new Error("canary-payload")));
    const refused = await reloader.reload("files", by);
    expect(refused.error?.code).toBe("HK9001");
    expect(JSON.stringify(refused)).not.toContain("canary");
  });

  it("does one at a time; what is asked meanwhile is one more, which sees the files of then", async () => {
    const { reloader, swaps, edit, onSwap, state } = prepare();
    const held = Promise.withResolvers<void>();
    onSwap(() => held.promise);
    edit((text) => `# one\n${text}`);
    const first = reloader.reload("files", by);
    await expect.poll(() => state.builds).toBe(1);
    const others = [reloader.reload("SIGHUP", by), reloader.reload("command", by)];
    edit((text) => `# two\n${text}`);
    held.resolve();
    const outcomes = await Promise.all([first, ...others]);
    expect(swaps.length).toBe(2);
    expect(state.builds).toBe(2);
    expect(outcomes[1]).toBe(outcomes[2]);
    expect(outcomes[1]?.revision).not.toBe(outcomes[0]?.revision);
    await reloader.close();
    await expect(reloader.reload("command", by)).rejects.toMatchObject({ code: "HK8045" });
  });
});
