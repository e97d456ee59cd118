/** A loopback server, a folder and the sinks opened against them: what every test of an HTTP sink needs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import type { OpenSink, Settings, SinkDescriptor } from "../../engine/plugin/index.ts";
import { type FaultServer, startFaultServer } from "./fault-server.ts";
import { createTestContext, type TestContext } from "./sink-context.ts";

export interface HttpBench {
  readonly server: FaultServer;
  readonly test: TestContext;
  /** Opens a sink; it is closed after the test. */
  open(sink: SinkDescriptor, settings: Settings): Promise<OpenSink>;
  /** The last request's body, parsed. */
  body(): unknown;
}

/** Sets the bench up before each test of the file and takes it down after it. */
export function useHttpBench(): HttpBench {
  let folder: string;
  let test: TestContext;
  let server: FaultServer;
  const opened: OpenSink[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hookrail-http-"));
    test = createTestContext(folder);
    server = await startFaultServer();
  });
  afterEach(async () => {
    for (const sink of opened.splice(0)) await sink.close();
    await test.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });
  return {
    get server() {
      return server;
    },
    get test() {
      return test;
    },
    async open(sink, settings) {
      const open = await sink.open(settings, test.context);
      opened.push(open);
      return open;
    },
    body: () => JSON.parse(server.requests.at(-1)?.body ?? "null"),
  };
}
