/** Follows the live facts of the running engine over its admin socket: server-sent events, read as they come. */
import { request } from "node:http";
import { parseJson } from "../core/json.ts";
import type { JsonObject } from "../core/types.ts";
import { isJsonObject } from "../core/values.ts";
import type { Cli } from "./context.ts";
import type { Installation } from "./installation.ts";

/** `refused` has the engine's reason; `lost`: it went without a word. */
export type LiveEnd =
  | { readonly kind: "no_engine" | "ended" | "lost" | "stopped" }
  | { readonly kind: "refused"; readonly status: number; readonly message: string };

export interface Following {
  readonly query: URLSearchParams;
  readonly hear: (event: string, data: JsonObject) => void;
  /** Ends it from this side. */
  readonly stop: AbortSignal;
}

const NOT_THERE = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK"]);

/** Resolves when there is no more to hear. */
export function followLive(cli: Cli, { socketPath }: Installation, following: Following): Promise<LiveEnd> {
  const { query, hear, stop } = following;
  return new Promise((resolve) => {
    let ended = false;
    const lost = (): LiveEnd => ({ kind: stop.aborted ? "stopped" : ended ? "ended" : "lost" });
    const req = request(
      { socketPath, path: `/api/v1/live?${query}`, headers: { "x-hookrail-actor": cli.user }, signal: stop },
      (res) => {
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
      },
    );
    req.on("error", (error: NodeJS.ErrnoException) =>
      resolve(NOT_THERE.has(error.code ?? "") ? { kind: "no_engine" } : lost()),
    );
    req.end();
  });
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
