/** A service on loopback that judges each request by its published contract and keeps what it took. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Settings } from "../../engine/plugin/index.ts";

/** One request, read. */
export interface Call {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; `undefined` when there is none. */
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Records by our key, members under the service's names. */
export type Records = Map<string, Record<string, unknown>>;

/** One service as its documents describe it. */
export interface Service {
  readonly sink: string;
  /** Settings of a connection to it; `wrong` has a credential it refuses. */
  settings(url: string, wrong?: boolean): Settings;
  /** The upsert, and the attribute names there. */
  readonly upsert: string;
  readonly names?: Readonly<Record<string, string>>;
  /** How it holds a value of ours. */
  held?(value: unknown): unknown;
  readonly records: Records;
  answer(call: Call): Reply;
  /** Requests that it must refuse: else the mock proves nothing. */
  readonly refuses: readonly Omit<Call, "query" | "headers">[];
  /** Headers of a good request. */
  readonly headers: Readonly<Record<string, string>>;
  /** How it says "too many", and the wait that means, ms. */
  readonly throttled: { readonly reply: Reply; readonly afterMs: number };
  /** A lasting fault whose words quote an address, and what may be shown of it. */
  readonly permanent: { readonly reply: Reply; readonly shown: string };
}

export interface RunningService {
  readonly url: string;
  readonly calls: readonly Call[];
  /** Answers for the next requests, in place of the service's own. */
  next(...replies: readonly Reply[]): void;
  close(): Promise<void>;
}

export async function startService(answer: (call: Call) => Reply): Promise<RunningService> {
  const calls: Call[] = [];
  const scripted: Reply[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const url = new URL(request.url ?? "/", "http://mock");
    const text = Buffer.concat(chunks).toString();
    const { method = "GET", headers } = request;
    const call = { method, path: url.pathname, query: url.searchParams, headers, body: readJson(text) };
    calls.push(call);
    const reply = scripted.shift() ?? answer(call);
    response.writeHead(reply.status, { "content-type": "application/json", ...reply.headers });
    response.end(reply.body === undefined ? "" : JSON.stringify(reply.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    next: (...replies) => void scripted.push(...replies),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function readJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What an upsert does everywhere: named members are set, blank ones go, the others stay. */
export function patchRecord(
  records: Records,
  key: string,
  changes: Readonly<Record<string, unknown>>,
  isBlank: (value: unknown) => boolean = (value) => value === null,
): void {
  const record = { ...records.get(key) };
  for (const [name, value] of Object.entries(changes)) {
    if (isBlank(value)) delete record[name];
    else record[name] = value;
  }
  records.set(key, record);
}

/** A mapping, whatever came. */
export const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? { ...value } : {};
