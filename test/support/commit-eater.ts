/** A proxy in front of a database that breaks the connection instead of handing over the answer to a COMMIT. */
import { connect, createServer, type Socket } from "node:net";

export interface CommitEater {
  readonly port: number;
  eatNextCommit(): void;
  eaten(): number;
  close(): Promise<void>;
}

/** Listens on a port of its own and passes bytes on to `target`. */
export async function startCommitEater(target: number): Promise<CommitEater> {
  let hungry = false;
  let count = 0;
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    let eating = false;
    client.on("data", (chunk) => {
      if (hungry && chunk.includes("commit")) {
        eating = true;
        hungry = false;
        count++;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => (eating ? client.destroy() : client.write(chunk)));
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    eatNextCommit() {
      hungry = true;
    },
    eaten: () => count,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => proxy.close(() => resolve()));
    },
  };
}
