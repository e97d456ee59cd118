/** A `node:http` server that does nothing: what memory and start-up of the runtime alone come to. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((_req, res) => res.end());
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: "listening", hooks: `http://127.0.0.1:${port}` })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
