/** Follows the live facts of the running engine, over its admin socket or from elsewhere: server-sent events, read as they come. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { parseJson } from "../core/json.ts";
import type { JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

/** `refused` has the engine's reason; `lost`: it went without a word. */
export type LiveEnd =
  | { readonly kind: "no_engine" | "ended" | "lost" | "stopped" }
  | { readonly kind: "unreachable"; readonly code: string }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

export interface Following {
  readonly query: URLSearchParams;
  readonly hear: (event: string, data: JsonObject) => void;
  /** Ends it from this side. */
  readonly stop: AbortSignal;
}

const NOT_THERE = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);

/** Resolves when there is no more to hear. */
export function followLive(cli: Cli, place: Installation, following: Following): Promise<LiveEnd> {
  const { hear, stop } = following;
  return new Promise((resolve) => {
    let ended = false;
    let begun = false;
    const lost = (): LiveEnd => ({ kind: stop.aborted ? "stopped" : ended ? "ended" : "lost" });
    const req = ask(cli, place, following, (res) => {
      begun = true;
      const status = res.statusCode ?? 0;
      const isStream = status === 200 && res.headers["content-type"]?.startsWith("text/event-stream") === true;
      let text = "";
      const parser = createEventParser((event, data) => {
        if (event === "end") ended = true;
        hear(event, data);
      });
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        if (isStream) parser(chunk);
        else text += chunk;
      });
      res.on("error", () => resolve(lost()));
      res.on("end", () => {
        // The answer was whole: with `follow=0` that is its end.
        if (isStream) resolve({ kind: "ended" });
        else resolve({ kind: "refused", status, message: reasonIn(text) });
      });
    });
    req.on("error", (error: NodeJS.ErrnoException) => {
      if (NOT_THERE.has(error.code ?? "")) resolve({ kind: "no_engine" });
      else if (begun || stop.aborted) resolve(lost());
      else resolve({ kind: "unreachable", code: error.code ?? error.name });
    });
    req.end();
  });
}

function ask(
  cli: Cli,
  { socketPath, remote }: Installation,
  { query, stop }: Following,
  hear: (res: IncomingMessage) => void,
): ClientRequest {
  const path = `/api/v1/live?${query}`;
  if (remote === undefined)
    return httpRequest({ socketPath, path, headers: { "x-hookrail-actor": cli.user }, signal: stop }, hear);
  const { url, token } = remote;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  return request(`${url}${path}`, { headers, signal: stop }, hear);
}

function reasonIn(text: string): string {
  const parsed = parseJson(Buffer.from(text));
  const error = parsed.ok && isJsonObject(parsed.value) ? parsed.value["error"] : undefined;
  return typeof error === "string" ? error : "no reason given";
}

/** Takes a stream of server-sent events apart, whatever the pieces it comes in. */
export function createEventParser(hear: (event: string, data: JsonObject) => void): (chunk: string) => void {
  let rest = "";
  return (chunk) => {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const data = field("data");
      const parsed = data === undefined ? undefined : parseJson(Buffer.from(data));
      if (parsed?.ok && isJsonObject(parsed.value)) hear(field("event") ?? "message", parsed.value);
    }
  };
}
