/** Who sent a request: the socket's peer, or, where that is a proxy we trust, whom the proxy names. */
import { fail } from "../core/errors.ts";
import { inNetworks, type Network, parseAddress, parseNetwork } from "../core/networks.ts";

/** From the socket's address and `x-forwarded-for` to the sender's address. */
export type ReadRemote = (peer: string, forwardedFor: string | undefined) => string;

/** More hops than this are made up. */
const MAX_HOPS = 20;

/** `proxies`: addresses and ranges (`10.0.0.0/8`); none: the peer is the sender, whatever a header says. */
export function createRemoteReader(proxies: readonly string[]): ReadRemote {
  const networks = proxies.map(networkOf);
  if (networks.length === 0) return (peer) => plain(peer);
  return (peer, forwardedFor) => {
    let address = plain(peer);
    // From the nearest proxy outwards: the first hop that is no proxy of ours is as far as anybody can vouch.
    const hops = (forwardedFor ?? "").split(",").slice(-MAX_HOPS).reverse();
    for (const hop of hops) {
      const named = parseAddress(withoutPort(hop.trim()));
      if (named === undefined || !inNetworks(networks, address)) break;
      address = named.toString();
    }
    return address;
  };
}

/** An IPv4 address as such, also when it comes mapped into IPv6. */
function plain(address: string): string {
  return address.startsWith("::ffff:") ? (parseAddress(address)?.toString() ?? address) : address;
}

/** Some proxies name the port too: `198.51.100.1:4711`, `[2001:db8::1]:4711`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}

function networkOf(text: string): Network {
  const parsed = parseNetwork(text);
  if (parsed.ok) return parsed.value;
  return fail("HK8009", { option: "server.trusted_proxies", expected: parsed.expected, got: text });
}
