/**
 * The floor: what an engine that only keeps the durability promise would do, by hand over `node:http`. The same
 * verification, the id out of the body, a dedupe key and the body in one commit for all requests in flight, with
 * the store's own settings (WAL, synchronous=FULL, 16 KB pages). Nothing else. Argument: the database file.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "better-sqlite3";
import { announce, isSigned } from "./verify.ts";

interface Waiting {
  readonly id: string;
  readonly body: Buffer;
  readonly res: ServerResponse;
}

const db = new Database(process.argv[2] ?? ":memory:");
db.pragma("page_size = 16384");
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.pragma("wal_autocheckpoint = 4000");
db.pragma("journal_size_limit = 134217728");
db.pragma("cache_size = -65536");
db.exec("CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT");
db.exec("CREATE TABLE dedupe (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID");
const known = db.prepare<[string], number>("SELECT seq FROM dedupe WHERE id = ?").pluck();
const keep = db.prepare("INSERT INTO events (body) VALUES (?)");
const remember = db.prepare("INSERT INTO dedupe (id, seq) VALUES (?, ?)");
let queue: Waiting[] = [];

const commit = db.transaction((group: readonly Waiting[]) => {
  for (const { id, body } of group) if (known.get(id) === undefined) remember.run(id, keep.run(body).lastInsertRowid);
});

/** All requests that came in with this turn of the loop share one commit; those that come while it runs, the next. */
function flush(): void {
  const group = queue;
  queue = [];
  commit(group);
  for (const { id, res } of group) answer(res, 202, `{"status":"accepted","event":"${id}"}`);
}

function answer(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  res.end(body);
}

const server = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const [first] = chunks;
    const body = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
    const { "stripe-signature": signature } = req.headers;
    if (typeof signature !== "string" || !isSigned(signature, body)) return answer(res, 401, "{}");
    const id = /"id":"(evt_\w+)"/.exec(body.toString("latin1", 0, 200))?.[1];
    if (id === undefined) return answer(res, 400, "{}");
    if (queue.push({ id, body, res }) === 1) setImmediate(flush);
  });
});
server.listen(0, "127.0.0.1", () => announce((server.address() as AddressInfo).port));
process.on("SIGTERM", () => process.exit(0));
