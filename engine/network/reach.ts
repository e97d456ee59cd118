/** Whether a host answers: a connection is opened and closed again, with nothing said on it. Guarded like any request. */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { judgeAddress } from "./address.ts";
import { guardedLookup, RefusedAddress, type ResolveAll, resolveWithSystem } from "./lookup.ts";

export interface ReachOptions {
  readonly allowPrivate: boolean;
  readonly signal: AbortSignal;
  readonly resolve?: ResolveAll;
}

export type Reached = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/** TCP to the URL's host, and TLS where the URL says https. */
export function reach(
  text: string,
  { allowPrivate, signal, resolve = resolveWithSystem }: ReachOptions,
): Promise<Reached> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    return Promise.resolve(failed("its URL is no http or https URL"));
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const verdict = isIP(host) === 0 ? ({ ok: true } as const) : judgeAddress(host, allowPrivate);
  if (!verdict.ok) return Promise.resolve(failed(`the address is refused (${verdict.range})`));
  const secure = url.protocol === "https:";
  const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const lookup = guardedLookup({ allowPrivate, resolve });
  return new Promise((settle) => {
    const socket: Socket = secure
      ? connectTls({ host, port, lookup, ...(isIP(host) === 0 && { servername: host }) })
      : connectPlain({ host, port, lookup });
    const end = (answer: Reached) => {
      signal.removeEventListener("abort", aborted);
      socket.destroy();
      settle(answer);
    };
    const aborted = () => end(failed("no answer in time"));
    if (signal.aborted) return aborted();
    signal.addEventListener("abort", aborted, { once: true });
    socket.once(secure ? "secureConnect" : "connect", () => end({ ok: true }));
    socket.once("error", (error: NodeJS.ErrnoException) => end(failed(problemOf(error, host))));
  });
}

const failed = (problem: string): Reached => ({ ok: false, problem });

function problemOf(error: NodeJS.ErrnoException, host: string): string {
  if (error instanceof RefusedAddress) return `the address is refused (${error.range})`;
  if (error.code === "ENOTFOUND") return `there is no host \`${host}\``;
  if (error.code === "ECONNREFUSED") return "the connection is refused";
  return error.code ?? "the connection fails";
}
