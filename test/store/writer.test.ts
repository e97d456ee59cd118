import { describe, expect, it } from "vitest";
import type { Call } from "../../engine/store/calls.ts";
import type { CallOutcome } from "../../engine/store/group.ts";
import { createWriter, type WriterTransport } from "../../engine/store/writer.ts";

/** A transport that commits when it is told to. */
function createManualTransport() {
  const groups: { readonly calls: readonly Call[]; readonly commit: () => void }[] = [];
  let closed = false;
  const transport: WriterTransport = {
    run: (calls) =>
      new Promise<readonly CallOutcome[]>((resolve) => {
        groups.push({ calls, commit: () => resolve(calls.map(() => ({ ok: true, value: true }))) });
      }),
    close: async () => {
      closed = true;
    },
  };
  return { transport, groups, isClosed: () => closed };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const audit = { at: 0, actor: "test", action: "resume", target: "x", reason: "" };

/** Asks `count` times; each answer is noted by its number. */
function ask(writer: ReturnType<typeof createWriter>, numbers: readonly number[], answered: number[]): void {
  for (const n of numbers)
    void writer.call("clearPause", { kind: "pipeline", name: String(n), audit }).then(() => answered.push(n));
}

const namesOf = (calls: readonly Call[] | undefined) =>
  calls?.map((call) => (call.name === "clearPause" ? Number(call.argument.name) : Number.NaN));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe("createWriter", () => {
  it("puts what is asked within one turn of the loop into one group", async () => {
    const { transport, groups } = createManualTransport();
    const answered: number[] = [];
    ask(createWriter(transport, { onFatal: () => {} }), [1, 2, 3], answered);
    expect(groups.length).toBe(0);
    await turn();
    expect(groups.map(({ calls }) => namesOf(calls))).toEqual([[1, 2, 3]]);
  });

  it("sends a second group beside the first once it is worth a commit, and never a third", async () => {
    const { transport, groups } = createManualTransport();
    const writer = createWriter(transport, { onFatal: () => {} });
    ask(writer, [0], []);
    await turn();
    ask(writer, range(1, 10), []);
    await turn();
    expect(groups.length).toBe(1);
    ask(writer, range(10, 50), []);
    await turn();
    expect(groups.length).toBe(2);
    ask(writer, range(50, 110), []);
    await turn();
    expect(groups.length).toBe(2);
    groups[0]?.commit();
    await turn();
    expect(groups.length).toBe(3);
    expect(groups.flatMap(({ calls }) => namesOf(calls))).toEqual(range(0, 110));
  });

  it("answers nothing before the commit of its group", async () => {
    const { transport, groups } = createManualTransport();
    const answered: number[] = [];
    ask(createWriter(transport, { onFatal: () => {} }), range(0, 24), answered);
    await turn();
    expect(answered).toEqual([]);
    groups[0]?.commit();
    await turn();
    expect(answered).toEqual(range(0, 24));
  });

  it("writes what is queued before it closes, and refuses later calls", async () => {
    const { transport, groups, isClosed } = createManualTransport();
    const writer = createWriter(transport, { onFatal: () => {} });
    const answered: number[] = [];
    ask(writer, range(0, 30), answered);
    ask(writer, range(30, 35), answered);
    const closing = writer.close();
    for (let i = 0; i < groups.length + 1; i++) {
      groups[i]?.commit();
      await turn();
    }
    await closing;
    expect(answered).toEqual(range(0, 35));
    expect(isClosed()).toBe(true);
    await expect(writer.call("recover", { at: 0 })).rejects.toMatchObject({ code: "HK4010" });
  });
});
