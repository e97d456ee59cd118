/** Which addresses a sink may not be reached at: everything that is not plainly the public internet. */
import ipaddr from "ipaddr.js";

/** Why an address is refused; the name of its range, e.g. `loopback`. */
export type AddressVerdict = { readonly ok: true } | { readonly ok: false; readonly range: string };

/**
 * Cloud metadata services: refused even where private addresses are allowed, since what lies there are credentials.
 * (169.254.0.0/16 and fe80::/10 hold most of them; these are the ones outside.)
 */
const METADATA = new Set(["100.100.100.200", "192.0.0.192", "fd00:ec2::254", "168.63.129.16", "fd20:ce::254"]);

/** Judges an address as text. What is no address is refused. */
export function judgeAddress(address: string, allowPrivate: boolean): AddressVerdict {
  const plain = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  if (!ipaddr.isValid(plain)) return { ok: false, range: "no address" };
  const parsed = ipaddr.parse(plain);
  // The v4 address inside a mapped, NAT64, 6to4 or Teredo one is where the packets end up.
  const inner = parsed instanceof ipaddr.IPv6 ? embeddedV4(parsed) : undefined;
  if (inner !== undefined) return judgeAddress(inner, allowPrivate);
  const range =
    METADATA.has(parsed.toNormalizedString()) || METADATA.has(parsed.toString()) ? "metadata" : parsed.range();
  if (range === "unicast") return { ok: true };
  const allowed =
    allowPrivate &&
    (range === "private" || range === "loopback" || range === "uniqueLocal" || range === "carrierGradeNat");
  return allowed ? { ok: true } : { ok: false, range };
}

/** The IPv4 address a transition address leads to, if it is one. */
function embeddedV4(address: ipaddr.IPv6): string | undefined {
  const bytes = address.toByteArray();
  const dotted = (from: number) => bytes.slice(from, from + 4).join(".");
  const starts = (...prefix: number[]) => prefix.every((byte, index) => bytes[index] === byte);
  if (address.isIPv4MappedAddress()) return dotted(12);
  // RFC 6052 64:ff9b::/96, and 64:ff9b:1::/48 (RFC 8215), which ends in the address when it is a /96 of it.
  if (starts(0, 0x64, 0xff, 0x9b)) return dotted(12);
  if (starts(0x20, 0x02)) return dotted(2);
  // Teredo (RFC 4380): the client's address, every bit inverted.
  if (starts(0x20, 0x01, 0, 0))
    return bytes
      .slice(12)
      .map((byte) => byte ^ 0xff)
      .join(".");
  // IPv4-compatible (RFC 4291, deprecated): ::a.b.c.d, but not :: and ::1.
  if (bytes.slice(0, 12).every((byte) => byte === 0) && (bytes[12] ?? 0) !== 0) return dotted(12);
  return undefined;
}
