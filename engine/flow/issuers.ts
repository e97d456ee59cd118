/** The certificates between a fetched one and a root, where the answer lacks them: each says where the one above it lies. */
import type { X509Certificate } from "node:crypto";
import type { SinkHttp } from "../plugin/index.ts";
import { hostMatches } from "../provider/key.ts";
import { certificateText, missingIssuer } from "../provider/trust.ts";

/** More no public authority has between its root and a server. */
const MAX_STEPS = 3;
const MAX_BYTES = 32 * 1024;
const TIMEOUT_MS = 2_000;

interface IssuerDeps {
  readonly http: Pick<SinkHttp, "request">;
  /** Of the recipe: no other is asked, whatever a certificate says. */
  readonly hosts: readonly string[];
  readonly now: number;
  readonly roots?: readonly X509Certificate[] | undefined;
}

/** The text with what was missing behind it; undefined: it can not be had now. Whether all that may be believed is judged later. */
export async function withIssuers(text: string, { http, hosts, now, roots }: IssuerDeps): Promise<string | undefined> {
  let chain = text;
  for (let step = 0; step < MAX_STEPS; step++) {
    const place = missingIssuer(chain, { now, roots });
    if (place === undefined || !mayAsk(place, hosts)) return chain;
    const found = await ask(http, place.href);
    if (found === undefined) return undefined;
    chain = `${chain}\n${found}`;
  }
  return chain;
}

function mayAsk(place: URL, hosts: readonly string[]): boolean {
  const plain = place.port === "" && place.username === "" && place.password === "";
  const isHttp = place.protocol === "http:" || place.protocol === "https:";
  return plain && isHttp && hosts.some((pattern) => hostMatches(place.hostname, pattern));
}

async function ask(http: IssuerDeps["http"], url: string): Promise<string | undefined> {
  try {
    const headers = { accept: "*/*", "user-agent": "hookrail" };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await http.request({ method: "GET", url, headers, maxBytes: MAX_BYTES, binary: true, signal });
    return answer.ok && answer.status === 200 && !answer.truncated ? certificateText(answer.body) : undefined;
  } catch {
    return undefined;
  }
}
