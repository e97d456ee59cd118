/** Who sent a request: the socket's peer, or, where that is a proxy we trust, whom the proxy names. */
import ipaddr from "ipaddr.js";
import { fail } from "../core/errors.ts";

/** From the socket's address and `x-forwarded-for` to the sender's address. */
export type ReadRemote = (peer: string, forwardedFor: string | undefined) => string;

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** More hops than this are made up. */
const MAX_HOPS = 20;

/** `proxies`: addresses and ranges (`10.0.0.0/8`); none: the peer is the sender, whatever a header says. */
export function createRemoteReader(proxies: readonly string[]): ReadRemote {
  const networks = proxies.map(parseNetwork);
  if (networks.length === 0) return (peer) => plain(peer);
  const isTrusted = (address: string) =>
    ipaddr.isValid(address) && networks.some((network) => isIn(ipaddr.process(address), network));
  return (peer, forwardedFor) => {
    let address = plain(peer);
    // From the nearest proxy outwards: the first hop that is no proxy of ours is as far as anybody can vouch.
    const hops = (forwardedFor ?? "").split(",").slice(-MAX_HOPS).reverse();
    for (const hop of hops) {
      const named = hop.trim();
      if (!isTrusted(address) || !ipaddr.isValid(named)) break;
      address = plain(named);
    }
    return address;
  };
}

/** An IPv4 address as such, also when it comes mapped into IPv6. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && ipaddr.isValid(address) ? ipaddr.process(address).toString() : address;
}

function parseNetwork(text: string): Network {
  const whole = ipaddr.isValid(text);
  if (!whole && !ipaddr.isValidCIDR(text)) {
    fail("HK8009", {
      option: "server.trusted_proxies",
      expected: "an address or a range such as 10.0.0.0/8",
      got: text,
    });
  }
  if (!whole) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}
