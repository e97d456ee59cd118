/** A CRM on loopback that remembers every request: `/keyed/` honours idempotency keys, `/plain/` knows nothing of them. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

export interface CrmRequest {
  /** First segment of the path. */
  readonly place: string;
  /** Second segment: what is done there. */
  readonly action: string;
  readonly key: string;
  readonly body: string;
  /** False when a key was seen before by a place that honours keys. */
  readonly effect: boolean;
}

type Judge = (request: CrmRequest) => boolean | Promise<boolean>;

export interface Crm {
  readonly url: string;
  /** In order of arrival. */
  readonly requests: readonly CrmRequest[];
  /** Asked once the request counts; `false` leaves it without an answer, a promise keeps it waiting. */
  onRequest(judge: Judge): void;
  close(): Promise<void>;
}

/** Starts it on a free port; it stays while engines come and go. */
export async function startCrm(): Promise<Crm> {
  const requests: CrmRequest[] = [];
  const seen = new Set<string>();
  const sockets = new Set<Socket>();
  let judge: Judge = () => true;
  const server = createServer(async (incoming, response) => {
    const body = await bodyOf(incoming);
    if (body === undefined) return;
    const [, place = "", action = ""] = (incoming.url ?? "").split("/");
    const key = String(incoming.headers["idempotency-key"] ?? "");
    const effect = place !== "keyed" || !seen.has(key);
    seen.add(key);
    const request = { place, action, key, body, effect };
    requests.push(request);
    if (await judge(request)) response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    onRequest(next) {
      judge = next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Undefined when the engine was killed in the middle of it: such a request never counts. */
async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch {
    return undefined;
  }
  return incoming.complete ? Buffer.concat(chunks).toString() : undefined;
}
