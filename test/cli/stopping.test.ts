import { describe, expect, test } from "vitest";
import { createStopping } from "../../engine/cli/stopping.ts";
import { silentLog } from "../../engine/core/log.ts";

function prepare() {
  const handlers: ((signal: string) => void)[] = [];
  const exits: number[] = [];
  const stops: number[] = [];
  let finish = () => {};
  const stopping = createStopping(
    { onStopSignal: (handler) => void handlers.push(handler), exit: (code) => void exits.push(code) },
    silentLog,
    () => 20_000,
  );
  const serving = {
    stop: (graceMs: number) => {
      stops.push(graceMs);
      return new Promise<void>((resolve) => (finish = resolve));
    },
  };
  const signal = () => {
    for (const handler of handlers) handler("SIGTERM");
  };
  return { stopping, serving, stops, exits, signal, finish: () => finish() };
}

describe("createStopping", () => {
  test("the first signal drains within the grace and ends with 0", async () => {
    const { stopping, serving, stops, signal, finish } = prepare();
    stopping.started(serving);
    signal();
    expect(stops).toEqual([20_000]);
    finish();
    expect(await stopping.ended).toBe(0);
  });

  test("a signal during the start takes effect when everything has started", async () => {
    const { stopping, serving, stops, signal, finish } = prepare();
    signal();
    expect(stops).toEqual([]);
    stopping.started(serving);
    expect(stops).toEqual([20_000]);
    finish();
    expect(await stopping.ended).toBe(0);
  });

  test("the second signal ends at once", () => {
    const { stopping, serving, stops, exits, signal } = prepare();
    stopping.started(serving);
    signal();
    signal();
    expect([stops, exits]).toEqual([[20_000], [1]]);
  });

  test("a fault of the store stops soon and ends with a failure, also during the start", async () => {
    const { stopping, serving, stops, finish } = prepare();
    stopping.fatal();
    stopping.started(serving);
    stopping.fatal();
    expect(stops).toEqual([2_000]);
    finish();
    expect(await stopping.ended).toBe(70);
  });
});
