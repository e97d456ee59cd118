/** Talks to the running engine: over its admin socket, or over HTTPS where it is elsewhere. */
import { request } from "node:http";
import { fail } from "../core/errors.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";
import { exchangeRemote, type Remote } from "./remote.ts";

export interface AdminCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: { readonly [key: string]: unknown };
  /** How long nothing may come; default: half a minute. */
  readonly timeoutMs?: number;
}

/** The engine's answer, or undefined when none is running. 404 comes as a document of undefined. */
export type AdminAnswer = { readonly document: { readonly [key: string]: unknown } | undefined };

const NOT_THERE = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);

/** Calls the running engine; undefined when there is none on this machine. Fails when the engine refuses. */
export async function callAdmin(
  cli: Cli,
  installation: Installation,
  call: AdminCall,
): Promise<AdminAnswer | undefined> {
  if (installation.remote !== undefined) return callRemote(installation.remote, call);
  const answer = await exchange(cli, installation.socketPath, call);
  if (answer === undefined) return undefined;
  const document = parseDocument(answer.text);
  if (answer.status === 404) return { document: undefined };
  if (answer.status >= 400 && answer.status !== 503) {
    fail("HK8011", {
      status: answer.status,
      message: typeof document["error"] === "string" ? document["error"] : "no reason given",
    });
  }
  return { document };
}

/** Never undefined: an engine elsewhere that does not answer is an error. */
async function callRemote(remote: Remote, { method, path, body = {}, timeoutMs }: AdminCall): Promise<AdminAnswer> {
  const sent = {
    ...(method === "POST" && { body: JSON.stringify(body) }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
  const { status, text, retryAfter } = await exchangeRemote(remote, { method, path, ...sent });
  const { url } = remote;
  const document = isDocument(text) ? parseDocument(text) : fail("HK8217", { url, status });
  const message = typeof document["error"] === "string" ? document["error"] : "no reason given";
  if (document["format_version"] === undefined) fail("HK8217", { url, status });
  if (status === 401) fail("HK8213", { url, message });
  if (status === 403) fail("HK8214", { url, message });
  if (status === 429) fail("HK8216", { url, seconds: retryAfter ?? "60" });
  if (status === 404) return { document: undefined };
  if (status >= 400 && status !== 503) fail("HK8011", { status, message });
  return { document };
}

function isDocument(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

function parseDocument(text: string): { readonly [key: string]: unknown } {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function exchange(
  cli: Cli,
  socketPath: string,
  call: AdminCall,
): Promise<{ status: number; text: string } | undefined> {
  const body = JSON.stringify(call.body ?? {});
  const headers = {
    "content-type": "application/json",
    "x-hookrail-actor": cli.user,
    ...(call.method === "POST" && { "content-length": Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const { method, path, timeoutMs: timeout = 30_000 } = call;
    const req = request({ socketPath, method, path, headers, timeout }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        text += chunk;
      });
      res.on("end", () => resolve({ status: res.statusCode ?? 0, text }));
      res.on("error", reject);
    });
    req.on("timeout", () => req.destroy(new Error("no answer")));
    req.on("error", (error: NodeJS.ErrnoException) => {
      if (NOT_THERE.has(error.code ?? "")) resolve(undefined);
      else reject(error);
    });
    req.end(call.method === "POST" ? body : undefined);
  });
}
