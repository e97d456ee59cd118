/** A sink that misbehaves on purpose: real sockets on loopback, one behaviour for each request to come. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gzipSync } from "node:zlib";

/** How the next request is answered. */
export type Mode =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    }
  /** Reads the request and says nothing. */
  | { readonly kind: "hang" }
  /** Reads the request and answers 200 when it is released. */
  | { readonly kind: "hold" }
  /** Headers, then a byte now and then, without end. */
  | { readonly kind: "drip" }
  /** The connection breaks when the request has been read. */
  | { readonly kind: "reset" }
  /** A status line, part of a body, then the connection breaks. */
  | { readonly kind: "reset_mid_answer"; readonly status: number }
  /** Answers, and closes the socket right after, though keep-alive was agreed. */
  | { readonly kind: "answer_and_close"; readonly status: number }
  | { readonly kind: "huge"; readonly bytes: number }
  | { readonly kind: "gzip_bomb"; readonly bytes: number; readonly layers?: number };

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface FaultServer {
  readonly url: string;
  readonly port: number;
  readonly requests: readonly SeenRequest[];
  /** Behaviours for the next requests, in order; afterwards all are answered 200 `{}`. */
  next(...modes: readonly Mode[]): void;
  /** Drops the behaviours that are still to come: the sink is well again. */
  reset(): void;
  /** Most requests that were open at one time. */
  readonly mostAtOnce: number;
  /** Answers all requests that are held. */
  release(): void;
  /** Breaks connections as soon as they are made, before anything is read. */
  refuseConnections(refuse: boolean): void;
  close(): Promise<void>;
}

export const answer = (status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Mode => ({
  kind: "answer",
  status,
  headers: { "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

export async function startFaultServer(): Promise<FaultServer> {
  const modes: Mode[] = [];
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let refusing = false;
  let [open, mostAtOnce] = [0, 0];
  const held: ServerResponse[] = [];
  const server = createServer(async (request, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++open);
    response.on("close", () => open--);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    requests.push({
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    });
    const mode = modes.shift() ?? answer(200);
    if (mode.kind === "hold") held.push(response);
    else perform(mode, response, timers);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    if (refusing) socket.resetAndDestroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    next: (...more) => void modes.push(...more),
    release: () => {
      for (const response of held.splice(0)) response.writeHead(200).end("{}");
    },
    reset: () => void modes.splice(0),
    get mostAtOnce() {
      return mostAtOnce;
    },
    refuseConnections(refuse) {
      refusing = refuse;
    },
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearInterval(timer);
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function perform(mode: Exclude<Mode, { kind: "hold" }>, response: ServerResponse, timers: Set<NodeJS.Timeout>): void {
  switch (mode.kind) {
    case "answer":
      response.writeHead(mode.status, mode.headers).end(mode.body ?? "");
      return;
    case "hang":
      return;
    case "drip":
      response.writeHead(200, { "content-type": "text/plain" });
      timers.add(setInterval(() => response.write("."), 20));
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "reset_mid_answer":
      response.writeHead(mode.status, { "content-length": "1000" });
      response.write("half an ans", () => response.socket?.resetAndDestroy());
      return;
    case "answer_and_close":
      response.writeHead(mode.status, { "content-length": "2", connection: "keep-alive" });
      response.end("{}", () => response.socket?.destroy());
      return;
    case "huge":
      response.writeHead(200, { "content-type": "text/plain" }).end("x".repeat(mode.bytes));
      return;
    case "gzip_bomb": {
      const layers = mode.layers ?? 1;
      let body: Uint8Array = Buffer.alloc(mode.bytes, "x");
      for (let i = 0; i < layers; i++) body = gzipSync(body);
      response.writeHead(200, { "content-encoding": Array(layers).fill("gzip").join(", ") }).end(body);
    }
  }
}
