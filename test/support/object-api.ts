/** An API that thin events point into: objects by path over real HTTP, and every request it saw. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "../../engine/core/types.ts";

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Sent as it is, instead of `body`. */
  readonly text?: string;
}

export interface ObjectApi {
  readonly url: string;
  readonly seen: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** What a path gives from now on. */
  put(path: string, body: Json): void;
  /** The next answers, whatever is asked; then the objects again. */
  answer(...answers: ScriptedAnswer[]): void;
  /** Requests wait until the returned function is called. */
  hold(): () => void;
  close(): Promise<void>;
}

export async function openObjectApi(): Promise<ObjectApi> {
  const objects = new Map<string, Json>();
  const scripted: ScriptedAnswer[] = [];
  const seen: ObjectApi["seen"] = [];
  let gate: Promise<void> = Promise.resolve();
  const server = createServer(async (request, response) => {
    const path = request.url ?? "";
    seen.push({ method: request.method ?? "", path, headers: request.headers });
    const object = objects.get(path);
    const next: ScriptedAnswer =
      scripted.shift() ?? (object === undefined ? { status: 404, body: { error: "none" } } : { body: object });
    await gate;
    response.writeHead(next.status ?? 200, { "content-type": "application/json", ...next.headers });
    response.end(next.text ?? JSON.stringify(next.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    put: (path, body) => void objects.set(path, body),
    answer: (...answers) => void scripted.push(...answers),
    hold() {
      let open = (): void => {};
      gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
