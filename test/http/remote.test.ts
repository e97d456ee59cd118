import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRemoteReader } from "../../engine/http/remote.ts";

describe("createRemoteReader", () => {
  test("without trusted proxies no header changes who the sender is", () => {
    const read = createRemoteReader([]);
    fc.assert(fc.property(fc.string(), (header) => read("192.0.2.1", header) === "192.0.2.1"));
  });

  const read = createRemoteReader(["10.0.0.0/8", "192.0.2.9", "2001:db8::/32"]);
  const cases: readonly [string, string | undefined, string, string][] = [
    ["203.0.113.5", "198.51.100.1", "203.0.113.5", "the peer is no proxy of ours: what it says is not believed"],
    ["10.1.1.1", "198.51.100.1", "198.51.100.1", "one proxy"],
    ["::ffff:10.1.1.1", "198.51.100.1", "198.51.100.1", "a proxy that comes as a mapped address"],
    ["10.1.1.1", "198.51.100.1, 192.0.2.9, 10.2.2.2", "198.51.100.1", "a chain of proxies"],
    ["10.1.1.1", "1.2.3.4, 198.51.100.1", "198.51.100.1", "what the sender itself put first is not believed"],
    ["2001:db8::1", "2001:db8:1::5, 2003::1", "2003::1", "IPv6"],
    ["10.1.1.1", "not an address", "10.1.1.1", "what is no address ends the walk"],
    ["10.1.1.1", "198.51.100.1, garbage, 10.2.2.2", "10.2.2.2", "also in the middle"],
    ["10.1.1.1", undefined, "10.1.1.1", "a proxy that names nobody"],
    ["10.1.1.1", "198.51.100.1:4711", "198.51.100.1", "with its port"],
    ["10.1.1.1", "[2003::1]:4711", "2003::1", "IPv6 with its port"],
    ["10.1.1.1", "::ffff:198.51.100.1", "198.51.100.1", "a sender that is named by its mapped address"],
    ["10.1.1.1", "198.51.100.1, ::ffff:a02:202", "198.51.100.1", "a proxy that is named so"],
    ["10.1.1.1", "198.51.100.1, 012.0.0.1", "10.1.1.1", "an octal address is none"],
    ["10.1.1.1", "198.51.100.1, 167772161", "10.1.1.1", "nor is a number"],
  ];
  test.each(cases)("%s, forwarded for %s: %s (%s)", (peer, header, sender) => {
    expect(read(peer, header)).toBe(sender);
  });

  test("a network that can not be read is refused at the start", () => {
    for (const text of ["10.0.0.0/99", "proxy.internal", ""])
      expect(() => createRemoteReader([text])).toThrow("server.trusted_proxies");
  });

  test("a header without end is read in bounded steps", () => {
    expect(read("10.1.1.1", "10.1.1.1,".repeat(2_000))).toBe("10.1.1.1");
  });
});
