/** Requests that are hostile by how they are framed, addressed or signed: bytes for the socket, and the answers allowed. */
import { PATH, payment, signed, yesterday } from "./payments.ts";

export interface HostileRequest {
  readonly name: string;
  /** Pieces are written one after the other. */
  readonly send: readonly (string | Buffer)[];
  /** Statuses allowed; `0`: the connection is closed without an answer. */
  readonly allowed: readonly number[];
}

let count = 1_000_000;
const base = yesterday();
const TOO_OLD = 400_000;

export interface Message {
  readonly line?: string;
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
  /** False: no Content-Length is added. */
  readonly length?: boolean;
  readonly signedAt?: number;
  readonly secret?: string;
  /** False: the connection stays. */
  readonly close?: boolean;
  /** False: no signature. */
  readonly sign?: boolean;
}

/** One request, validly signed unless it says otherwise. */
export function message(parts: Message = {}): Buffer {
  const body = Buffer.from(parts.body ?? payment(++count, base));
  const { "stripe-signature": signature } = signed(body, parts.signedAt, parts.secret);
  const head = [
    parts.line ?? `POST ${PATH} HTTP/1.1`,
    "Host: hooks.example",
    "Content-Type: application/json",
    ...(parts.sign === false ? [] : [`Stripe-Signature: ${signature}`]),
    ...(parts.length === false ? [] : [`Content-Length: ${body.length}`]),
    ...(parts.headers ?? []),
    ...(parts.close === false ? [] : ["Connection: close"]),
  ];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

const refused = (name: string, send: Message | string, ...allowed: number[]): HostileRequest => ({
  name,
  send: [typeof send === "string" ? Buffer.from(send, "latin1") : message(send)],
  allowed: allowed.length === 0 ? [400] : allowed,
});

const chunked = { length: false, headers: ["Transfer-Encoding: chunked"] };
const raw = (text: string) => text.replaceAll("\n", "\r\n");

const framing: readonly HostileRequest[] = [
  refused("a length and chunks", { headers: ["Transfer-Encoding: chunked"] }),
  refused("chunks, and a length after them", {
    ...chunked,
    headers: ["Transfer-Encoding: chunked", "Content-Length: 5"],
  }),
  refused("two lengths that differ", { headers: ["Content-Length: 3"] }),
  refused("two lengths in one header", { length: false, headers: ["Content-Length: 3, 4"] }),
  refused("a length with a plus", { length: false, headers: ["Content-Length: +5"] }),
  refused("a length in hex", { length: false, headers: ["Content-Length: 0x10"] }),
  refused("a length beyond 2^64", { length: false, headers: ["Content-Length: 18446744073709551617"] }, 400, 413),
  refused("a length of 2^53", { length: false, headers: ["Content-Length: 9007199254740993"] }, 413),
  refused("Transfer-Encoding: xchunked", { length: false, headers: ["Transfer-Encoding: xchunked"] }),
  refused("Transfer-Encoding: chunked, identity", { length: false, headers: ["Transfer-Encoding: chunked, identity"] }),
  refused("two Transfer-Encodings", {
    ...chunked,
    headers: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
  }),
  refused("a space before the colon", { length: false, headers: ["Transfer-Encoding : chunked"] }),
  refused("a chunk size that is none", { ...chunked, body: "zz\r\n" }),
  refused("a chunk longer than it says", { ...chunked, body: "2\r\nabcd\r\n0\r\n\r\n" }),
  refused("a chunk size beyond 2^64", { ...chunked, body: "fffffffffffffffff\r\na\r\n0\r\n\r\n" }),
  refused("a chunk extension without end", { ...chunked, body: `1;${"x".repeat(40_000)}\r\na\r\n0\r\n\r\n` }, 400, 413),
  refused("chunks on HTTP/1.0", { ...chunked, line: `POST ${PATH} HTTP/1.0`, body: "0\r\n\r\n" }),
  refused("two Hosts", { headers: ["Host: other.example"] }),
  refused("no Host", raw(`POST ${PATH} HTTP/1.1\nContent-Length: 0\n\n`)),
  refused("two content types", { headers: ["Content-Type: text/plain"] }),
  refused("a NUL in a header", { headers: ["X: a\0b"] }),
  refused("a bare CR in a header", { headers: ["X: a\rb"] }),
  refused("a folded header", { headers: ["X: a\r\n b"] }),
  refused("a header without a name", { headers: [": a"] }),
  refused("a header of 20 kB", { headers: [`X: ${"x".repeat(20_000)}`] }, 431),
  refused("3,000 headers", { headers: Array.from({ length: 3_000 }, (_, i) => `X${i}: y`) }, 431),
  refused("no request line", "\0\0\0\0\r\n\r\n"),
  refused("the HTTP/2 preface", raw("PRI * HTTP/2.0\n\nSM\n\n")),
  refused("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
  refused("HTTP/0.9", "GET /\r\n", 400, 408),
  refused("HTTP/1.10", { line: `POST ${PATH} HTTP/1.10` }),
  refused("HTTP/3.0", { line: `POST ${PATH} HTTP/3.0` }, 400, 505),
  refused("a lower-case method", { line: `post ${PATH} HTTP/1.1` }),
  refused("an expectation nobody knows", { headers: ["Expect: 200-tea"] }, 417),
];

const addressing: readonly HostileRequest[] = [
  "/hooks/pay/",
  "//hooks/pay",
  "/hooks/%70ay",
  "/hooks/./pay",
  "/x/../hooks/pay",
  "/hooks/pay%00",
  "/hooks/pay;x=1",
  "/HOOKS/PAY",
  "/__proto__",
  "/constructor",
  "/hooks/__proto__",
  "http://other.example/hooks/pay",
  "*",
  `/${"a".repeat(8_000)}`,
].map((target) => refused(`the target ${target.slice(0, 40)}`, { line: `POST ${target} HTTP/1.1` }, 400, 404));

const methods: readonly HostileRequest[] = [
  ...["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"].map((method) =>
    refused(`the method ${method}`, { line: `${method} ${PATH} HTTP/1.1` }, 405),
  ),
  refused("CONNECT", { line: "CONNECT 127.0.0.1:22 HTTP/1.1" }, 0, 400, 404, 405),
];

const bodies: readonly HostileRequest[] = [
  refused("a body over the limit, declared", { body: Buffer.alloc(1_048_577, " ") }, 413),
  refused(
    "a body over the limit, in chunks",
    {
      ...chunked,
      body: Buffer.concat([Buffer.from("100001\r\n"), Buffer.alloc(1_048_577), Buffer.from("\r\n0\r\n\r\n")]),
    },
    413,
  ),
  refused("gzip where none is taken", { headers: ["Content-Encoding: gzip"] }, 415),
  refused("a chain of codings", { headers: ["Content-Encoding: gzip, br"] }, 415),
];

const signatures: readonly HostileRequest[] = [
  refused("no signature", { sign: false }, 401),
  ...[
    "",
    "t=,v1=",
    "t=1,v1=zz",
    "v1=00",
    "t=1",
    "t=1;v1=00",
    "t=NaN,v1=00",
    "t=1e3,v1=00",
    "t=-1,v1=00",
    `t=${"9".repeat(400)},v1=00`,
    `t=1,v1=${"0".repeat(64)}`,
    `t=1,v1=${"é".repeat(32)}`,
    `t=1,v1=${"f".repeat(12_000)}`,
    `t=1,${"v1=00,".repeat(2_000)}`,
    "__proto__=1,constructor=2,t=1,v1=00",
    "t=1,v1=undefined",
  ].map((value) =>
    refused(`the signature ${value.slice(0, 30)}`, { sign: false, headers: [`Stripe-Signature: ${value}`] }, 401),
  ),
  refused("another secret", { secret: "whsec_other" }, 401),
  refused("a signature of long ago", { signedAt: Date.now() - TOO_OLD }, 401),
  refused("a signature of times to come", { signedAt: Date.now() + TOO_OLD }, 401),
  refused(
    "two forged signatures",
    { sign: false, headers: ["Stripe-Signature: t=1,v1=00", "Stripe-Signature: t=2,v1=00"] },
    401,
  ),
  refused("a valid signature among forged ones, in another header", { headers: ["Stripe-Signature: t=1,v1=00"] }, 401),
];

/** All that must be refused, though most of them are validly signed. */
export const hostileRequests: readonly HostileRequest[] = [
  ...framing,
  ...addressing,
  ...methods,
  ...bodies,
  ...signatures,
];

/** Odd, and still right: these are taken. */
export const oddRequests: readonly HostileRequest[] = [
  refused("a query behind the path", { line: `POST ${PATH}?a=../../b&__proto__=1 HTTP/1.1` }, 202),
  refused("a header named __proto__", { headers: ["__proto__: x", "constructor: y"] }, 202),
  refused("an upgrade nobody takes up", { headers: ["Upgrade: websocket"] }, 202),
  refused("200 headers", { headers: Array.from({ length: 200 }, (_, i) => `X${i}: y`) }, 202),
  refused("Latin-1 in a header", { headers: ["X: \xe9\xff"] }, 202),
  refused("HTTP/1.0", { line: `POST ${PATH} HTTP/1.0` }, 202),
  refused("100-continue", { headers: ["Expect: 100-continue"] }, 202),
  refused("a content type of another trade", { headers: ["X-Content-Type: image/png"] }, 202),
  refused("bare LF between the lines", message().toString("latin1").replaceAll("\r\n", "\n"), 202, 400),
  { name: "a body byte by byte", send: [...message()].map((byte) => Buffer.from([byte])), allowed: [202] },
];
