import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inNetworks, type Network, parseAddress, parseNetwork } from "../../engine/core/networks.ts";

const networks = (...texts: string[]): Network[] =>
  texts.map((text) => {
    const parsed = parseNetwork(text);
    if (!parsed.ok) throw new Error(text);
    return parsed.value;
  });

describe("a network", () => {
  test.each([
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "::ffff:10.1.1.1", true],
    ["10.0.0.0/8", "::ffff:a01:101", true],
    ["10.0.0.0/8", "::10.1.1.1", false],
    ["::ffff:10.0.0.0/104", "10.1.1.1", true],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.1.2.4", false],
    ["10.1.2.3/8", "10.9.9.9", true],
    ["0.0.0.0/0", "198.51.100.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:DB8:1::5", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::/0", "10.1.1.1", false],
    ["fe80::/10", "fe80::1%eth0", true],
    ["10.0.0.0/8", "", false],
    ["10.0.0.0/8", "10.1", false],
    ["10.0.0.0/8", "0x0a.1.1.1", false],
    ["10.0.0.0/8", "167772161", false],
  ])("%s holds %s: %s", (network, address, inside) => {
    expect(inNetworks(networks(network), address)).toBe(inside);
  });

  test.each(["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8", "010.0.0.0/8", "::/129", "host"])(
    "%s is none",
    (text) => {
      expect(parseNetwork(text)).toMatchObject({ ok: false, expected: expect.stringContaining("10.0.0.0/8") });
    },
  );

  test("of IPv4 holds exactly the addresses that share its leading bits, mapped or not", () => {
    fc.assert(
      fc.property(
        fc.ipV4(),
        fc.ipV4(),
        fc.integer({ min: 0, max: 32 }),
        fc.boolean(),
        (network, address, bits, mapped) => {
          const number = (text: string) => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
          const same =
            bits === 0 ||
            Math.floor(number(network) / 2 ** (32 - bits)) === Math.floor(number(address) / 2 ** (32 - bits));
          expect(inNetworks(networks(`${network}/${bits}`), mapped ? `::ffff:${address}` : address)).toBe(same);
        },
      ),
    );
  });

  test("reading an address never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseAddress(text), parseNetwork(text)]));
  });
});
