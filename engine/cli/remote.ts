/** An engine on another machine: its address, the token for it, and one exchange with its admin API. */
import { readFileSync, statSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { platform } from "node:os";
import { resolve } from "node:path";
import { fail } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import { isLoopbackHost } from "../http/admin-guard.ts";
import type { Cli } from "./context.ts";

export interface Remote {
  /** Without a slash at its end. */
  readonly url: string;
  /** Absent: an engine behind a tunnel may need none. */
  readonly token?: Secret;
}

export interface RemoteOptions {
  readonly url?: string;
  readonly tokenFile?: string;
}

/** Where `--url` or HOOKRAIL_URL point; undefined: this machine. */
export function findRemote(cli: Cli, options: RemoteOptions): Remote | undefined {
  const given = options.url ?? cli.env["HOOKRAIL_URL"];
  if (given === undefined || given === "") return undefined;
  const url = checkedUrl(given);
  const token = options.tokenFile === undefined ? cli.env["HOOKRAIL_TOKEN"] : readTokenFile(cli, options.tokenFile);
  return { url, ...(token !== undefined && token !== "" && { token: new Secret(token) }) };
}

function checkedUrl(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return fail("HK8211", { url: shown(given), problem: "it does not begin with https://" });
  if (url.username !== "" || url.password !== "")
    return fail("HK8211", {
      url: `${url.protocol}//${url.host}`,
      problem: "a token in it would be seen by others on this machine",
    });
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname.replace(/^\[|\]$/g, "")))
    return fail("HK8211", { url: `http://${url.host}`, problem: "plain http would send the token in the clear" });
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** What has been mistyped may hold a token. */
const shown = (text: string) => (text.length > 60 ? `${text.slice(0, 20)}…` : text.replace(/\/\/[^/@]*@/, "//…@"));

function readTokenFile(cli: Cli, path: string): string {
  const file = resolve(cli.cwd, path);
  const problem = (text: string) => fail("HK8215", { path, problem: text });
  try {
    if (platform() !== "win32" && (statSync(file).mode & 0o077) !== 0)
      return problem("others on this machine may read it");
    const token = readFileSync(file, "utf8").trim();
    return /^\S+$/.test(token) ? token : problem("it does not hold one token alone");
  } catch (error) {
    if (error instanceof Error && "code" in error && !String(error.code).startsWith("HK"))
      return problem(error.code === "ENOENT" ? "there is no such file" : "it can not be read");
    throw error;
  }
}

export interface RemoteAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

const TIMEOUT_MS = 30_000;

/** One request with the token. Fails when nobody answers. */
export function exchangeRemote(
  { url, token }: Remote,
  call: { readonly method: string; readonly path: string; readonly body?: string; readonly timeoutMs?: number },
): Promise<RemoteAnswer> {
  const { method, path, body, timeoutMs: timeout = TIMEOUT_MS } = call;
  const headers = {
    "content-type": "application/json",
    ...(token !== undefined && { authorization: `Bearer ${token.reveal()}` }),
    ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
  };
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((done, reject) => {
    const refuse = (error: NodeJS.ErrnoException) => {
      const problem = connectionProblem(error.code) ?? error.code ?? "the connection was lost";
      try {
        fail("HK8210", { url, problem }, { cause: error });
      } catch (failure) {
        reject(failure);
      }
    };
    const req = request(`${url}${path}`, { method, headers, timeout }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        text += chunk;
      });
      res.on("end", () => done({ status: res.statusCode ?? 0, text, retryAfter: res.headers["retry-after"] }));
      res.on("error", refuse);
    });
    req.on("timeout", () => req.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    req.on("error", refuse);
    req.end(body);
  });
}

/** Why nothing came back, in words; undefined for what needs no word. */
export const connectionProblem = (code: string | undefined): string | undefined => PROBLEMS[code ?? ""];

const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "no such host is known",
  EAI_AGAIN: "the name could not be looked up",
  ETIMEDOUT: "it took too long",
  ECONNRESET: "the connection was lost",
  EPROTO: "it does not speak TLS there",
  CERT_HAS_EXPIRED: "its certificate has ended",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed: NODE_EXTRA_CA_CERTS names a file with CAs to trust",
  SELF_SIGNED_CERT_IN_CHAIN: "its CA is not known here: NODE_EXTRA_CA_CERTS names a file with CAs to trust",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its CA is not known here: NODE_EXTRA_CA_CERTS names a file with CAs to trust",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};
