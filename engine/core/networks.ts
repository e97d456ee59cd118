/** Networks written as addresses and ranges, and whether an address lies in one of them; IPv4 inside IPv6 counts as IPv4. */
import ipaddr from "ipaddr.js";
import type { Parsed } from "./duration.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A range: its first address and how many leading bits count. */
export type Network = readonly [Address, number];

export const NETWORK_EXPECTED = "an address or a range such as 10.0.0.0/8 or 2001:db8::/32";

/** `10.1.2.3`, `10.0.0.0/8`, `2001:db8::/32`. Octal, hex and shortened IPv4 are refused: readers disagree on them. */
export function parseNetwork(text: string): Parsed<Network> {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return { ok: false, expected: NETWORK_EXPECTED };
  const whole = address.kind() === "ipv4" ? 32 : 128;
  if (slash < 0) return { ok: true, value: [address, whole] };
  const written = /^\d{1,3}$/.exec(text.slice(slash + 1))?.[0];
  // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mapped = whole === 32 && text.includes(":") ? 96 : 0;
  const bits = Number(written ?? Number.NaN) - mapped;
  return bits >= 0 && bits <= whole ? { ok: true, value: [address, bits] } : { ok: false, expected: NETWORK_EXPECTED };
}

/** An address as its kind: four decimal parts, or IPv6; an IPv4 address that comes mapped into IPv6 is IPv4. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // ipaddr.js takes the long dead `::10.1.1.1` for the mapped `::ffff:10.1.1.1`.
  if (!text.includes(":") || /^::\d+\./.test(text) || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.process(text);
}

/** Whether the address lies in one of the networks; what is no address lies in none. */
export function inNetworks(networks: readonly Network[], address: string): boolean {
  const parsed = parseAddress(address);
  if (parsed === undefined) return false;
  return networks.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits));
}
