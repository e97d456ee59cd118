import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type Bench, files, openBench } from "./support.ts";

/** A CRM that refuses what it is told to refuse. */
async function startCrm() {
  /** The seats of each upsert that was taken. */
  const taken: number[] = [];
  const refuse = new Set<number>();
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk));
    request.on("end", () => {
      const seats = Number(/"seats":(\d+)/.exec(text)?.[1]);
      const bad = refuse.has(seats);
      if (!bad) taken.push(seats);
      response.writeHead(bad ? 400 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    taken,
    refuse,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/contacts`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

describe("a dead upsert that is sent again", () => {
  let bench: Bench | undefined;
  let crm: Awaited<ReturnType<typeof startCrm>> | undefined;
  afterEach(async () => {
    await bench?.close();
    await crm?.close();
  });

  it("never puts its old value over a newer one", async () => {
    crm = await startCrm();
    const connections = `crm: { sink: http, url: "${crm.url}", allow_private: true }`;
    bench = await openBench(files({ connections, deliver: "- { to: crm, entity: customer, on_change: [seats] }" }));
    await bench.engine.start();
    crm.refuse.add(1);
    const first = await bench.send({ id: "e1", data: { id: "cus_1", seats: 1 } });
    const [letter] = (await bench.story(first)).deadLetters;
    await bench.send({ id: "e2", data: { id: "cus_1", seats: 2 } });
    crm.refuse.clear();
    expect(await bench.engine.retryDead(letter?.id as never, { actor: "ada", reason: "mended" })).toBe(true);
    await bench.engine.drain();
    expect(crm.taken).toEqual([2]);
    expect((await bench.story(first)).deliveries[0]?.delivery.status).toBe("superseded");
  });

  it("sends its request where nothing newer was sent", async () => {
    crm = await startCrm();
    const connections = `crm: { sink: http, url: "${crm.url}", allow_private: true }`;
    bench = await openBench(files({ connections, deliver: "- { to: crm, entity: customer, on_change: [seats] }" }));
    await bench.engine.start();
    crm.refuse.add(1);
    const first = await bench.send({ id: "e1", data: { id: "cus_1", seats: 1 } });
    crm.refuse.clear();
    await bench.engine.retryDead((await bench.story(first)).deadLetters[0]?.id as never, { actor: "ada", reason: "" });
    await bench.engine.drain();
    expect(crm.taken).toEqual([1]);
    expect((await bench.story(first)).deliveries[0]?.delivery.status).toBe("delivered");
  });
});

describe("an effect whose dead letter is sent again", () => {
  let bench: Bench | undefined;
  let crm: Awaited<ReturnType<typeof startCrm>> | undefined;
  afterEach(async () => {
    await bench?.close();
    await crm?.close();
  });

  it("goes once, after a restart too, and `once` stays taken for the events after it", async () => {
    crm = await startCrm();
    const connections = `crm:
  sink: http
  url: "${crm.url}"
  allow_private: true
  actions: { welcome: { kind: effect, method: POST, path: /welcome } }`;
    const deliver = "- { to: crm, entity: customer, action: welcome, event: welcomed, once: true }";
    bench = await openBench(files({ connections, deliver }));
    await bench.engine.start();
    crm.refuse.add(1);
    const first = await bench.send({ id: "e1", data: { id: "cus_1", seats: 1 } });
    const [letter] = (await bench.story(first)).deadLetters;
    await bench.reopen();
    crm.refuse.clear();
    expect(await bench.engine.retryDead(letter?.id as never, { actor: "ada", reason: "mended" })).toBe(true);
    await bench.engine.drain();
    expect(await bench.engine.retryDead(letter?.id as never, { actor: "ada", reason: "again" })).toBe(false);
    await bench.reopen();
    await bench.send({ id: "e2", data: { id: "cus_1", seats: 2 } });
    expect(crm.taken).toEqual([1]);
  });
});
