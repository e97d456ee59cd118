/** A sink opened against a service that holds it to its contract; both are gone after the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { readPresetFiles, shippedPresetFiles } from "../../engine/delivery/preset-files.ts";
import type { OpenSink, Outcome, Settings } from "../../engine/plugin/index.ts";
import { createRegistry } from "../../engine/plugin/registry.ts";
import { type Contract, type ContractService, startContractService } from "./contract-service.ts";
import { createTestContext, type DeliveryOverrides, delivery, sending } from "./sink-context.ts";

const registry = createRegistry(readPresetFiles(shippedPresetFiles()).found);

export interface ContractBench {
  readonly service: ContractService;
  readonly sink: OpenSink;
  /** Prepares and sends one delivery. */
  send(over: DeliveryOverrides): Promise<Outcome>;
  /** Sends several as one request, which they must be. */
  together(overs: readonly DeliveryOverrides[]): Promise<readonly Outcome[]>;
}

/** How a file of tests opens its sinks. One interpreter serves the whole file. */
export function useContractBench(): (name: string, contract: Contract, settings: Settings) => Promise<ContractBench> {
  const folder = mkdtempSync(join(tmpdir(), "hookrail-contract-"));
  const test = createTestContext(folder);
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  afterAll(async () => {
    await test.close();
    rmSync(folder, { recursive: true });
  });
  return async (name, contract, settings) => {
    const service = await startContractService(contract);
    closing.push(() => service.close());
    const sink = await registry.get(name)?.open({ base_url: service.url, ...settings }, test.context);
    if (sink === undefined) throw new Error(`no sink ${name}`);
    closing.push(async () => sink.close());
    const context = (over: DeliveryOverrides) => sending({ idempotencyKey: over.idempotencyKey ?? "key-1" });
    return {
      service,
      sink,
      async send(over) {
        return sink.send(await sink.prepare(delivery(over)), context(over));
      },
      async together(overs) {
        const requests = await Promise.all(overs.map((over) => sink.prepare(delivery(over))));
        const chosen = sink.batches?.choose(requests);
        if (chosen?.length !== requests.length)
          throw new Error(`${chosen?.length} of ${requests.length} share a request`);
        return (await sink.batches?.send(requests, overs.map(context))) ?? [];
      },
    };
  };
}
