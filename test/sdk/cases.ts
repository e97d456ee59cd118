/** The requests each SDK signs and judges: one good, and each way of being bad that we want to compare. */
import { mock } from "node:test";
import type { Request, Sdk, Signed, Vector } from "./sdk.ts";

/** Unix seconds of every vector: fixed, so that a run gives the same bytes again. */
export const NOW = 1_788_000_000;
const DEFAULT_BODY = '{"id":"evt_1","type":"thing.created","name":"Zoë ß 😀","amount":1.50,"data":{"a":[1,2]}}';

interface Case {
  readonly name: string;
  make(sdk: Sdk): Promise<Request | undefined>;
}

function requestOf(sdk: Sdk, signed: Signed, body: string): Request {
  return {
    method: "POST",
    url: signed.url ?? urlOf(sdk),
    headers: { "content-type": "application/json", ...signed.headers },
    body: signed.body ?? body,
  };
}

const urlOf = (sdk: Sdk) => sdk.url ?? `https://hooks.example.com/hooks/${sdk.provider}`;
const bodyOf = (sdk: Sdk) => sdk.body ?? DEFAULT_BODY;

async function signedAt(sdk: Sdk, { at = NOW, secret = sdk.secret, body = bodyOf(sdk) } = {}): Promise<Request> {
  const signed = await sdk.sign({ body, at, url: urlOf(sdk), method: "POST" }, secret);
  return requestOf(sdk, signed, body);
}

async function signatureNames(sdk: Sdk): Promise<readonly string[]> {
  if (sdk.signatureHeaders !== undefined) return sdk.signatureHeaders;
  const { headers } = await sdk.sign({ body: bodyOf(sdk), at: NOW, url: urlOf(sdk), method: "POST" }, sdk.secret);
  return Object.keys(headers);
}

function withHeaders(request: Request, change: (name: string, value: string) => string | undefined): Request {
  const headers = Object.entries(request.headers).flatMap(([name, value]) => {
    const changed = change(name, value);
    return changed === undefined ? [] : [[name, changed]];
  });
  return { ...request, headers: Object.fromEntries(headers) };
}

const tampered = (sdk: Sdk, body: string) =>
  sdk.tamper?.(body) ?? body.replace(/[a-y](?=[^a-y]*$)/, (letter) => String.fromCharCode(letter.charCodeAt(0) + 1));

const cases: readonly Case[] = [
  { name: "good", make: (sdk) => signedAt(sdk) },
  {
    name: "body changed",
    make: async (sdk) => {
      const good = await signedAt(sdk);
      const body = tampered(sdk, good.body);
      if (body === good.body) throw new Error(`${sdk.provider}: the body was not changed`);
      return { ...good, body };
    },
  },
  {
    name: "space added to the body",
    make: async (sdk) => ({ ...(await signedAt(sdk)), body: `${(await signedAt(sdk)).body} ` }),
  },
  { name: "other secret", make: (sdk) => signedAt(sdk, { secret: sdk.otherSecret }) },
  {
    name: "no signature",
    make: async (sdk) => {
      const names = await signatureNames(sdk);
      return names.length === 0
        ? undefined
        : withHeaders(await signedAt(sdk), (name, value) => (names.includes(name) ? undefined : value));
    },
  },
  {
    name: "empty signature",
    make: async (sdk) => {
      const names = await signatureNames(sdk);
      return names.length === 0
        ? undefined
        : withHeaders(await signedAt(sdk), (name, value) => (names.includes(name) ? "" : value));
    },
  },
  {
    name: "signature cut short",
    make: async (sdk) => {
      const [name] = await signatureNames(sdk);
      return name === undefined
        ? undefined
        : withHeaders(await signedAt(sdk), (one, value) => (one === name ? value.slice(0, -2) : value));
    },
  },
  { name: "an hour old", make: async (sdk) => (sdk.timed ? signedAt(sdk, { at: NOW - 3600 }) : undefined) },
  { name: "an hour ahead", make: async (sdk) => (sdk.timed ? signedAt(sdk, { at: NOW + 3600 }) : undefined) },
  { name: "a second old", make: async (sdk) => (sdk.timed ? signedAt(sdk, { at: NOW - 1 }) : undefined) },
];

/** All vectors of one SDK, with the clock standing at NOW. */
export async function vectorsOf(sdk: Sdk): Promise<readonly Vector[]> {
  mock.timers.enable({ apis: ["Date"], now: NOW * 1000 });
  try {
    const vectors: Vector[] = [];
    for (const one of cases) {
      const request = await one.make(sdk);
      if (request === undefined) continue;
      vectors.push({
        case: one.name,
        provider: sdk.provider,
        package: sdk.package,
        secret: sdk.secret,
        ...(sdk.params === undefined ? {} : { params: sdk.params }),
        method: request.method,
        url: request.url,
        headers: request.headers,
        bodyBase64: Buffer.from(request.body).toString("base64"),
        now: NOW,
        sdk: (await accepts(sdk, request)) ? "accept" : "reject",
      });
    }
    return vectors;
  } finally {
    mock.timers.reset();
  }
}

async function accepts(sdk: Sdk, request: Request): Promise<boolean> {
  try {
    return (await sdk.judge(request, sdk.secret)) === true;
  } catch {
    return false;
  }
}
