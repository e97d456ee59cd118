import { describe, expect, it } from "vitest";
import { judgeAddress } from "../../engine/network/address.ts";

const allowed = (address: string, allowPrivate = false) => judgeAddress(address, allowPrivate).ok;

describe("judgeAddress", () => {
  it.each(["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "172.32.0.1", "100.128.0.1", "192.167.255.255"])(
    "lets %s pass",
    (address) => expect(allowed(address)).toBe(true),
  );

  it.each([
    ["0.0.0.0", "unspecified"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["169.254.169.254", "linkLocal"],
    ["100.64.0.1", "carrierGradeNat"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["192.0.0.192", "metadata"],
    ["192.0.2.1", "reserved"],
    ["198.18.0.1", "reserved"],
    ["224.0.0.1", "multicast"],
    ["255.255.255.255", "broadcast"],
    ["240.0.0.1", "reserved"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["[::1]", "loopback"],
    ["fe80::1%eth0", "linkLocal"],
    ["fc00::1", "uniqueLocal"],
    ["fd00:ec2::254", "metadata"],
    ["ff02::1", "multicast"],
    ["2001:db8::1", "reserved"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:7f00:1", "loopback"],
    ["::ffff:169.254.169.254", "linkLocal"],
    ["::127.0.0.1", "loopback"],
    ["64:ff9b::7f00:1", "loopback"],
    ["64:ff9b::a9fe:a9fe", "linkLocal"],
    ["64:ff9b:1::10.0.0.1", "private"],
    ["2002:7f00:1::", "loopback"],
    ["2002:a9fe:a9fe::1", "linkLocal"],
    ["2001:0:53aa:64c:0:0:80ff:fffe", "loopback"],
    ["not an address", "no address"],
    ["", "no address"],
  ])("refuses %s as %s", (address, range) => expect(judgeAddress(address, false)).toEqual({ ok: false, range }));

  it.each(["127.0.0.1", "10.0.0.1", "::1", "fd12::1", "100.64.0.1", "::ffff:10.0.0.1"])(
    "lets %s pass where private is allowed",
    (address) => expect(allowed(address, true)).toBe(true),
  );

  it.each([
    "169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "224.0.0.1",
    "::ffff:169.254.169.254",
    "0.0.0.0",
    "fe80::1",
  ])("refuses %s even where private is allowed", (address) => expect(allowed(address, true)).toBe(false));
});
