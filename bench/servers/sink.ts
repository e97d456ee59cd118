/**
 * The receiver of deliveries: answers 200 over raw sockets, so that it takes little of the machine, and counts
 * requests and distinct idempotency keys. `GET /count` tells.
 */
import { type AddressInfo, createServer, type Socket } from "node:net";

const OK = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const keys = new Set<string>();
let requests = 0;
let lastAt = 0;

/** Answers the whole requests at the start of `input`; returns what is left. */
function answerAll(socket: Socket, input: string): string {
  let rest = input;
  for (;;) {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) return rest;
    const head = rest.slice(0, headEnd);
    const end = headEnd + 4 + Number(/\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (rest.length < end) return rest;
    socket.write(head.startsWith("GET /count") ? countAnswer() : take(head));
    rest = rest.slice(end);
  }
}

function take(head: string): string {
  requests++;
  keys.add(/\nidempotency-key: (\S+)/i.exec(head)?.[1] ?? String(requests));
  lastAt = Date.now();
  return OK;
}

function countAnswer(): string {
  const body = JSON.stringify({ requests, distinct: keys.size, lastAt });
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = "";
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    rest = answerAll(socket, rest + chunk);
  });
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: "listening", hooks: `http://127.0.0.1:${port}` })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
