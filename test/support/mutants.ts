/** Requests that went wrong somewhere on the way: a signed payment, broken in one to four places by a seed. */
import { message } from "./hostile-requests.ts";
import { PATH, payment, yesterday } from "./payments.ts";
import type { Seeded } from "./seeded.ts";

/** What is written to one connection before it is half-closed. */
export interface Mutant {
  /** Names of what was done, for the report of one that broke something. */
  readonly how: readonly string[];
  readonly bytes: Buffer;
}

interface Draft {
  line: string;
  headers: string[];
  body: Buffer;
  length: boolean;
  sign: boolean;
}

const LINES = [
  `POST ${PATH}?a=%00&b=../../c HTTP/1.1`,
  `POST ${PATH}/ HTTP/1.1`,
  `POST /hooks/%70ay HTTP/1.1`,
  `POST http://other.example${PATH} HTTP/1.1`,
  `POST ${PATH}#x HTTP/1.1`,
  `POST ${PATH} HTTP/1.0`,
  `POST ${PATH} HTTP/2.0`,
  `POST  ${PATH} HTTP/1.1`,
  `POST ${PATH}`,
  `GET ${PATH} HTTP/1.1`,
  `HEAD ${PATH} HTTP/1.1`,
  `TRACE ${PATH} HTTP/1.1`,
  `CONNECT ${PATH} HTTP/1.1`,
  "GET /api/v1/status HTTP/1.1",
  "POST /__proto__ HTTP/1.1",
  `\x16\x03\x01 ${PATH} HTTP/1.1`,
];

const HEADERS = [
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: chunked, chunked",
  "Transfer-Encoding: \x0bchunked",
  "Transfer-Encoding : chunked",
  "TE: trailers",
  "Content-Length: 0",
  "Content-Length: -1",
  "Content-Length: 99999999999999999999",
  "Content-Length: 1, 1",
  "Content-Length: 12",
  "Content-Type: application/x-www-form-urlencoded",
  "Content-Type: application/x-ndjson",
  "Content-Type: \xff",
  "Content-Encoding: gzip",
  "Content-Encoding: identity",
  "Expect: 100-continue",
  "Expect: the-worst",
  "Host: a@b:c",
  "Host: [::1",
  "Connection: upgrade",
  "Connection: keep-alive, close, keep-alive",
  "Upgrade: h2c",
  "HTTP2-Settings: AAMAAABkAAQAAP__",
  "Stripe-Signature: t=1,v1=00",
  "Stripe-Signature:",
  `Stripe-Signature: ${"v1=,".repeat(500)}`,
  "X-Forwarded-For: 127.0.0.1, ::1, unknown, \xff",
  `X-Forwarded-Host: ${"a,".repeat(2_000)}`,
  "__proto__: polluted",
  "constructor: x",
  "Trailer: Stripe-Signature",
  `Cookie: ${"a=b; ".repeat(1_000)}`,
  "X: \x1b[31mred\x07",
  ": nameless",
  "no colon at all",
  " folded",
];

const VALUES = [
  "null",
  "[]",
  "{}",
  '""',
  "1e999",
  "-0",
  "9007199254740993",
  '"\\ud800"',
  '"\\u0000"',
  '{"__proto__":{"x":1}}',
  '{"_jsonata_lambda":true}',
  "NaN",
  "'x'",
  "[1,]",
  "\xff\xfe",
  "/*",
];

type Change = (draft: Draft, random: Seeded) => void;

const pick = <T>(random: Seeded, list: readonly T[]): T => list[random.int(0, list.length - 1)] as T;

/** Changes to what is sent; the signature is made over the body as it then is. */
const CHANGES: Readonly<Record<string, Change>> = {
  line: (draft, random) => (draft.line = pick(random, LINES)),
  header: (draft, random) => draft.headers.push(pick(random, HEADERS)),
  "headers without end": (draft, random) =>
    draft.headers.push(...Array.from({ length: random.int(10, 1_500) }, (_, i) => `X-${i}: ${"y".repeat(i % 20)}`)),
  "no length": (draft) => (draft.length = false),
  unsigned: (draft) => (draft.sign = false),
  chunked(draft, random) {
    draft.length = false;
    draft.headers.push("Transfer-Encoding: chunked");
    const size =
      random.int(0, 3) === 0
        ? pick(random, ["zz", "-1", "ffffffffffffffff", "0x5", ""])
        : draft.body.length.toString(16);
    draft.body = Buffer.concat([Buffer.from(`${size}\r\n`), draft.body, Buffer.from("\r\n0\r\n\r\n")]);
  },
  value(draft, random) {
    const places = [...draft.body.toString("latin1").matchAll(/:(?=["\d{])/g)].map(({ index }) => index + 1);
    const at = places[random.int(0, Math.max(0, places.length - 1))] ?? 0;
    const rest = draft.body.subarray(at).toString("latin1");
    const end = rest.search(/[,}]/);
    draft.body = Buffer.from(
      draft.body.subarray(0, at).toString("latin1") + pick(random, VALUES) + rest.slice(Math.max(0, end)),
      "latin1",
    );
  },
  nesting(draft, random) {
    const depth = random.int(1, 3_000);
    const [open, close] = pick(random, [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const);
    draft.body = Buffer.concat([Buffer.from(open.repeat(depth)), draft.body, Buffer.from(close.repeat(depth))]);
  },
  keys(draft, random) {
    const more = Array.from({ length: random.int(1, 2_000) }, (_, i) => `"k${random.int(0, 500)}":${i}`).join(",");
    draft.body = Buffer.from(draft.body.toString("latin1").replace("{", `{${more},`), "latin1");
  },
  size: (draft, random) => (draft.body = Buffer.concat([draft.body, Buffer.alloc(random.int(1, 60_000), " ")])),
  "body bytes": (draft, random) => (draft.body = garble(draft.body, random)),
  "cut body": (draft, random) => (draft.body = draft.body.subarray(0, random.int(0, draft.body.length))),
  "no body": (draft) => (draft.body = Buffer.alloc(0)),
};
const NAMES = Object.keys(CHANGES);

/** Flips, doubles, takes out and puts in bytes, a few of them. */
function garble(bytes: Buffer, random: Seeded): Buffer {
  let out = bytes;
  for (let i = random.int(1, 6); i > 0; i--) {
    const at = random.int(0, Math.max(0, out.length - 1));
    const [before, after] = [out.subarray(0, at), out.subarray(at)];
    const put = Buffer.from([random.int(0, 255)]);
    const kind = random.int(0, 3);
    if (kind === 0) out = Buffer.concat([before, put, after.subarray(1)]);
    else if (kind === 1) out = Buffer.concat([before, put, after]);
    else if (kind === 2) out = Buffer.concat([before, after.subarray(random.int(1, 8))]);
    else out = Buffer.concat([before, after.subarray(0, random.int(1, 40)), after]);
  }
  return out;
}

const base = yesterday();
let count = 5_000_000;

function one(random: Seeded, how: string[]): Buffer {
  const draft: Draft = {
    line: `POST ${PATH} HTTP/1.1`,
    headers: [],
    body: Buffer.from(payment(++count, base)),
    length: true,
    sign: true,
  };
  for (let i = random.int(0, 3); i > 0; i--) {
    const name = pick(random, NAMES);
    how.push(name);
    CHANGES[name]?.(draft, random);
  }
  const { line, headers, body, length, sign } = draft;
  const bytes = message({ line, headers, body, length, sign, close: random.int(0, 9) === 0 });
  const wire = random.int(0, 5);
  if (wire === 0) how.push("wire bytes");
  if (wire === 1) how.push("cut off");
  return wire === 0 ? garble(bytes, random) : wire === 1 ? bytes.subarray(0, random.int(0, bytes.length)) : bytes;
}

/** The next one of this seed: one to six requests for one connection, all in a row. */
export function mutant(random: Seeded): Mutant & { readonly requests: number } {
  const how: string[] = [];
  const requests = random.int(0, 2) === 0 ? random.int(2, 6) : 1;
  const bytes = Buffer.concat(Array.from({ length: requests }, () => one(random, how)));
  return { how, bytes, requests };
}
