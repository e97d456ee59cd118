/** What the listeners answer: one table from refusal to status and body. Bodies name no cause an attacker could use. */

/** The answer to one request, complete. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why the reader refuses a request before anything looked at what it says. */
export type Refusal =
  | "faulty_framing"
  | "not_found"
  | "too_slow"
  | "too_large"
  | "coding_not_taken"
  | "coding_broken"
  | "expectation_unknown"
  | "headers_too_large"
  | "internal";

const REFUSALS: Readonly<Record<Refusal, { readonly status: number; readonly error: string }>> = {
  faulty_framing: { status: 400, error: "bad request" },
  coding_broken: { status: 400, error: "bad request" },
  not_found: { status: 404, error: "not found" },
  too_slow: { status: 408, error: "request timeout" },
  too_large: { status: 413, error: "payload too large" },
  coding_not_taken: { status: 415, error: "unsupported content encoding" },
  expectation_unknown: { status: 417, error: "expectation failed" },
  headers_too_large: { status: 431, error: "request header fields too large" },
  internal: { status: 503, error: "try again later" },
};

/** The reply to a refused request. 503 asks for the resend that dedupe makes harmless. */
export function refusalReply(refusal: Refusal, requestId: string): Reply {
  const { status, error } = REFUSALS[refusal];
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (refusal === "internal") headers["retry-after"] = "10";
  return { status, headers, body: JSON.stringify({ error, request_id: requestId }) };
}

/** A refusal as raw bytes, for sockets whose request could not even be parsed. */
export function rawRefusal(refusal: Refusal, requestId: string): string {
  const reply = refusalReply(refusal, requestId);
  const head = [
    `HTTP/1.1 ${reply.status} ${REFUSALS[refusal].error}`,
    `content-type: application/json`,
    `content-length: ${Buffer.byteLength(reply.body)}`,
    "connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${reply.body}`;
}
