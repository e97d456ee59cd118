/** Name resolution for sinks: resolve once, judge every address, and let only those be dialled. */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from "node:dns";
import { judgeAddress } from "./address.ts";

/** Resolves a name to all its addresses; a parameter for tests. */
export type ResolveAll = (hostname: string) => Promise<readonly LookupAddress[]>;

/** Raised inside the connector; the client turns it into an answer. */
export class RefusedAddress extends Error {
  readonly range: string;
  constructor(range: string) {
    super(`address refused: ${range}`);
    this.name = "RefusedAddress";
    this.range = range;
  }
}

/** The machine's resolver. */
export const resolveWithSystem: ResolveAll = (hostname) =>
  new Promise((resolve, reject) => {
    systemLookup(hostname, { all: true, verbatim: true }, (error, addresses) =>
      error === null ? resolve(addresses) : reject(error),
    );
  });

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/**
 * A `lookup` for `net.connect`: one refused address among several refuses the name, since a name with mixed
 * answers is how DNS rebinding looks. The addresses handed over are the ones judged; there is no second look-up.
 */
export function guardedLookup(options: { readonly allowPrivate: boolean; readonly resolve: ResolveAll }) {
  return function lookup(hostname: string, how: LookupOptions, callback: LookupCallback): void {
    options.resolve(hostname).then(
      (addresses) => {
        const refused = addresses
          .map(({ address }) => judgeAddress(address, options.allowPrivate))
          .find((verdict) => !verdict.ok);
        if (refused !== undefined && !refused.ok) return callback(new RefusedAddress(refused.range), "");
        const first = addresses[0];
        if (first === undefined) return callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "");
        return how.all === true ? callback(null, [...addresses]) : callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error("look-up failed"), ""),
    );
  };
}
