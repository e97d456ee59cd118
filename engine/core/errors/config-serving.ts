import type { ErrorEntries } from "../errors.ts";

/** 1120-1134: where hooks come in, and from whom. */
export const configServingErrors = {
  HK1120: {
    title: "A network that can't be read",
    message: "`{text}` is no address and no range of addresses",
    help: "Networks are written as addresses or as ranges with the number of leading bits that count. A host name is none: what it resolves to may change. Octal, hexadecimal and shortened forms are refused, since readers disagree on what they mean.",
    wrong: 'networks: ["10/8", "hooks.stripe.com"]',
    right: 'networks: ["10.0.0.0/8", "2001:db8::/32"]',
  },
  HK1121: {
    title: "A sender that signs the URL, and the URL is not known",
    message: "{provider} signs the URL it sends to, and source `{source}` does not say which that is",
    help: "What a request says about its own address (its Host header) comes from the sender and is not believed. Say once under which URL senders reach the hooks, or give the URL that was registered with this one sender.",
    wrong: "server: { port: 8080 }",
    right: "server: { port: 8080, public_url: https://hooks.example.com }",
  },
  HK1122: {
    title: "A certificate that can't be used",
    message: "{problem}",
    help: "TLS needs the certificate chain and the private key that belongs to it, both as PEM files, the server's own certificate first. With `client_ca`, clients must show a certificate that this CA has signed.",
  },
} as const satisfies ErrorEntries;
