/** Renewed certificates are taken up while the listener serves, and ones that end soon are said in time. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { certificateEnd, type TlsTexts } from "../core/certificate.ts";
import type { Clock } from "../core/clock.ts";
import { HookrailError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Listener } from "./server.ts";

export interface RenewalOptions {
  readonly listener: Pick<Listener, "renewTls">;
  /** `hooks` or `admin`, for the log. */
  readonly name: string;
  /** In force at the start. */
  readonly texts: TlsTexts;
  /** Reads the files as they are now. */
  readonly read: () => Promise<TlsTexts>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Renewal {
  /** Looks at the files now. Never rejects. */
  check(): Promise<void>;
  stop(): void;
}

/** The texts and not their times are compared: links that are swapped, as cert-manager does, keep no times. */
const CHECK_MS = 10_000;
const DAY_MS = 86_400_000;
const WARN_DAYS = 14;

export function startRenewal(options: RenewalOptions): Renewal {
  const { listener, name, clock, log } = options;
  let inForce = options.texts;
  /** Said already, so that a fault is one line and not one in ten seconds. */
  let faultSaid = "";
  let seenFault = "";
  let warnedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let cancel = (): void => {};

  async function check(): Promise<void> {
    const found = await options.read().catch(() => "the files can't be read");
    if (stopped) return;
    if (typeof found === "string") sayFault(found);
    else if (!isSame(found, inForce)) takeUp(found);
    else [seenFault, faultSaid] = ["", ""];
    warnOfEnd();
  }

  function takeUp(texts: TlsTexts): void {
    try {
      listener.renewTls(texts);
      inForce = texts;
      warnedAt = Number.NEGATIVE_INFINITY;
      [seenFault, faultSaid] = ["", ""];
      log.info("certificate renewed", { listener: name, ends: isoOf(certificateEnd(texts.cert)) });
    } catch (error) {
      sayFault(error instanceof HookrailError ? String(error.data["problem"]) : "it was refused");
    }
  }

  /** Certificate and key are written one after the other: only what is seen twice is a fault. */
  function sayFault(problem: string): void {
    if (problem === seenFault && problem !== faultSaid) {
      faultSaid = problem;
      log.error("the certificate's files can't be taken up; the one in force goes on", {
        listener: name,
        code: "HK3030",
        problem,
        ends: isoOf(certificateEnd(inForce.cert)),
      });
    }
    seenFault = problem;
  }

  function warnOfEnd(): void {
    const now = clock.now();
    const end = certificateEnd(inForce.cert);
    if (end - now > WARN_DAYS * DAY_MS || now - warnedAt < DAY_MS) return;
    warnedAt = now;
    const fields = { listener: name, ends: isoOf(end), days: Math.floor((end - now) / DAY_MS) };
    if (end <= now) log.error("the certificate has ended: senders refuse to connect", fields);
    else log.warn("the certificate ends soon", fields);
  }

  function schedule(): void {
    cancel = clock.after(CHECK_MS, () => void check().then(() => (stopped ? undefined : schedule())));
  }

  warnOfEnd();
  schedule();
  return {
    check,
    stop() {
      stopped = true;
      cancel();
    },
  };
}

/** Reads the files a config names, relative to its folder. */
export async function readTlsFiles(
  root: string,
  files: { readonly cert: string; readonly key: string; readonly clientCa?: string },
): Promise<TlsTexts> {
  const text = (path: string) => readFile(resolve(root, path), "utf8");
  const [cert, key, ca] = await Promise.all([
    text(files.cert),
    text(files.key),
    files.clientCa === undefined ? undefined : text(files.clientCa),
  ]);
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}

const isSame = (a: TlsTexts, b: TlsTexts) => a.cert === b.cert && a.key === b.key && a.ca === b.ca;
const isoOf = (at: number) => new Date(at).toISOString();
