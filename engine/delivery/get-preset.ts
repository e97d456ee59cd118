/** One GET over a connection, for a rule's `fetch:`: host, credentials and answer rules are those of its deliveries. */
import type { GetAnswer, GetRequest } from "../plugin/index.ts";
import type { Preset } from "../plugin/preset.schema.ts";
import { classifyAnswer } from "./classify.ts";
import { converse, rulesOf } from "./exchange.ts";
import { compileParts, freezeParts } from "./http-request.ts";
import type { Opened } from "./opened.ts";
import { plainSettings } from "./scope.ts";

/** Of an object that is fetched at most this much is read, after inflation, in bytes. */
export const MAX_OBJECT_BYTES = 1024 * 1024;

/** `true`, or why nothing can be got with such credentials. */
export function canGet(auth: Preset["auth"]): true | string {
  if (auth?.kind === "body_field") return "its credential stands in the body, and a GET has none";
  if (auth?.kind === "url") return "its whole URL is the credential, so that nothing can be put behind it";
  return true;
}

export async function getObject(request: GetRequest, signal: AbortSignal, opened: Opened): Promise<GetAnswer> {
  const { connection, http } = opened.context;
  // What every request to this sink carries, such as the version of its API.
  const shared = await freezeParts(compileParts({ method: "GET" }, opened.preset.headers ?? {}, opened.expressions), {
    scope: { settings: plainSettings(opened.settings) },
    expressions: opened.expressions,
    where: { connection, action: "get" },
    guard: () => {},
  });
  const bounded: Opened = {
    ...opened,
    context: {
      ...opened.context,
      http: { request: (outgoing) => http.request({ ...outgoing, maxBytes: MAX_OBJECT_BYTES }) },
    },
  };
  const frozen = { method: "GET", path: request.path, headers: { ...shared.headers, ...request.headers }, body: null };
  const { judged, answer } = await converse(frozen, { idempotencyKey: "get", signal }, bounded, (one) =>
    classifyAnswer(one, rulesOf({}, opened)),
  );
  switch (judged.kind) {
    case "delivered":
      if (answer === undefined) return { kind: "retry", detail: "no answer" };
      return answer.truncated ? { kind: "cut", limit: MAX_OBJECT_BYTES } : { kind: "found", body: answer.body };
    case "items":
      return { kind: "rejected", detail: "an answer with results per item" };
    case "rejected":
    case "pause": {
      const status = judged.status ?? 0;
      const gone = status === 404 || status === 410;
      return gone ? { kind: "gone", detail: judged.detail } : judged;
    }
    case "unknown":
      // A GET changes nothing, so that it can be made again at once.
      return { kind: "retry", detail: judged.detail };
    case "retry":
      return judged;
  }
}
