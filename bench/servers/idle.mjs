// A `node:http` server that does nothing: what memory and start-up of the runtime alone come to. Plain JavaScript,
// so that it does not carry what strips types.
import { createServer } from "node:http";

const server = createServer((_req, res) => res.end());
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ msg: "listening", hooks: `http://127.0.0.1:${server.address().port}` })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
