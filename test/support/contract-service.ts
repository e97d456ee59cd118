/**
 * A service on loopback that holds requests against what the service publishes: it refuses what the contract refuses,
 * keeps what the service would keep, and answers as it does. Written down per service in contracts/.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Ajv, type ValidateFunction } from "ajv";
import type { Json } from "../../engine/core/types.ts";

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the service knows of one person: attribute -> value. */
export type Records = Map<string, Record<string, Json>>;

export interface Asked {
  readonly method: string;
  readonly path: string;
  /** Groups of the route's path. */
  readonly groups: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Json | undefined;
}

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** JSON Schema of the body; absent: no body is taken. */
  readonly body?: object;
  /** What the contract says beyond the body; a text is why it is refused. */
  readonly also?: (asked: Asked) => string | undefined;
  /** Does it, and answers. */
  readonly act: (asked: Asked, records: Records) => Reply;
}

export interface Contract {
  readonly authorized: (asked: Asked) => boolean;
  readonly unauthorized: Reply;
  /** How a request is refused that the contract does not allow. */
  readonly refused: (why: string, asked: Asked) => Reply;
  readonly routes: readonly Route[];
}

export interface ContractService {
  readonly url: string;
  readonly records: Records;
  readonly asked: readonly Asked[];
  /** Why requests were refused, in order. */
  readonly refusals: readonly string[];
  /** Answers the next requests in place of the contract. */
  next(...replies: readonly Reply[]): void;
  close(): Promise<void>;
}

export async function startContractService(contract: Contract): Promise<ContractService> {
  const ajv = new Ajv({ allErrors: true, strict: false });
  const routes = contract.routes.map((route) => ({
    ...route,
    valid: route.body === undefined ? undefined : ajv.compile(route.body),
  }));
  const records: Records = new Map();
  const asked: Asked[] = [];
  const refusals: string[] = [];
  const forced: Reply[] = [];
  const refuse = (why: string, request: Asked): Reply => {
    refusals.push(why);
    return contract.refused(why, request);
  };
  const answer = (request: Asked): Reply => {
    const instead = forced.shift();
    if (instead !== undefined) return instead;
    if (!contract.authorized(request)) return contract.unauthorized;
    const route = routes.find(({ method, path }) => method === request.method && path.test(request.path));
    if (route === undefined) return refuse(`no ${request.method} ${request.path}`, request);
    const groups = (route.path.exec(request.path) ?? []).slice(1).map(decodeURIComponent);
    const full = { ...request, groups };
    const why = route.also?.(full) ?? bodyFault(route.valid, request.body);
    return why === undefined ? route.act(full, records) : refuse(why, full);
  };
  const server = createServer(async (incoming, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const url = new URL(incoming.url ?? "/", "http://service");
    const text = Buffer.concat(chunks).toString();
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const path = url.pathname;
    const request: Asked = {
      method: incoming.method ?? "",
      path,
      groups: [],
      query: url.searchParams,
      headers,
      body: text === "" ? undefined : JSON.parse(text),
    };
    asked.push(request);
    const { status, body, headers: extra } = answer(request);
    const plain = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": "application/json", ...extra }).end(plain);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    records,
    asked,
    refusals,
    next: (...replies) => void forced.push(...replies),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function bodyFault(valid: ValidateFunction | undefined, body: Json | undefined): string | undefined {
  if (valid === undefined) return body === undefined ? undefined : "a body that is not taken";
  if (valid(body)) return undefined;
  return (valid.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`).join("; ");
}

/** Attributes that come are written, all others stay. */
export function merge(records: Records, key: string, values: Readonly<Record<string, Json>>): void {
  records.set(key, { ...records.get(key), ...values });
}

/** Takes attributes away by name. */
export function unset(records: Records, key: string, names: readonly string[]): void {
  const kept = Object.entries(records.get(key) ?? {}).filter(([name]) => !names.includes(name));
  records.set(key, Object.fromEntries(kept));
}

/** HTTP Basic with this user and password. */
export const basic = (user: string, password = "") => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
