/** A real PostgreSQL of the tests' own, on loopback in a folder that is removed afterwards. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";

export interface TestPostgres {
  /** URL of the database, with a user that may do everything. */
  readonly url: string;
  /** Stops the server as a crash would, and starts it again. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Folders that may hold `initdb` and `postgres`. */
function binFolders(): string[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => join(debian, version, "bin")), ...(process.env["PATH"] ?? "").split(delimiter)];
}

function findBinaries(): string {
  const folder = binFolders().find(
    (candidate) => existsSync(join(candidate, "initdb")) && existsSync(join(candidate, "postgres")),
  );
  if (folder === undefined)
    throw new Error(
      "PostgreSQL is needed for these tests: apt-get install postgresql, or put initdb and postgres on the PATH",
    );
  return folder;
}

/** PostgreSQL refuses to run as root: then it runs as an unprivileged user who owns the folder. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string) =>
        Number(execFileSync("id", [flag, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // The next one.
    }
  }
  throw new Error("running as root, and there is neither a user postgres nor nobody to run PostgreSQL as");
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

export async function startPostgres(): Promise<TestPostgres> {
  const bin = findBinaries();
  const owner = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), "hookrail-pg-"));
  if (owner !== undefined) {
    chownSync(folder, owner.uid, owner.gid);
    chmodSync(folder, 0o700);
  }
  const data = join(folder, "data");
  const run = {
    ...owner,
    cwd: folder,
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
    stdio: "ignore" as const,
  };
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "hookrail", "-A", "trust", "--no-sync", "-E", "UTF8"], run);
  const port = await freePort();
  const url = `postgres://hookrail@127.0.0.1:${port}/postgres`;
  const start = async () => {
    const child = spawn(
      join(bin, "postgres"),
      ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off"],
      run,
    );
    await untilReady(url);
    return child;
  };
  let server = await start();
  const kill = async (signal: NodeJS.Signals) => {
    const exited = new Promise((resolve) => server.once("exit", resolve));
    server.kill(signal);
    await exited;
  };
  return {
    url,
    async restart() {
      await kill("SIGQUIT");
      server = await start();
    },
    async stop() {
      await kill("SIGINT");
      rmSync(folder, { recursive: true });
    },
  };
}

/** Asks until it answers; bounded by the number of tries, each of which waits for the connection itself. */
async function untilReady(url: string): Promise<void> {
  let last: unknown;
  for (let tries = 0; tries < 300; tries++) {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      last = error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("PostgreSQL did not start", { cause: last });
}
