/** The admin API from elsewhere: how commands reach it, and what they are told. */
import type { ErrorEntries } from "../errors.ts";

/** 8210-8239: access. */
export const accessErrors = {
  HK8210: {
    title: "The engine can not be reached",
    message: "no answer from {url}: {problem}",
    help: "`--url` (or HOOKRAIL_URL) is the address of the admin listener, such as https://hooks.example.com:8081. Look at `admin:` of that installation, at its firewall, and at the certificate.",
  },
  HK8211: {
    title: "An address that is none",
    message: "`{url}` can not be used as the address of an engine: {problem}",
    help: "Give the scheme, the host and the port: https://hooks.example.com:8081. Plain http sends the token in the clear and is taken for this machine only.",
  },
  HK8212: {
    title: "A command for this machine only",
    message: "this command works on files of the machine it runs on, and --url names another",
    help: "With `--url` these work: status, top, events, explain, tail, dead, replay, pause, resume, alerts, secrets, reload. All others read or write the config and the store, so run them where those are.",
  },
  HK8213: {
    title: "The token was not taken",
    message: "{url} does not take the token: {message}",
    help: "Give the token in a file with --token-file, or in HOOKRAIL_TOKEN, never on the command line, where others on the machine see it. It must be one that `admin.tokens` of that installation lists, and not have ended.",
  },
  HK8214: {
    title: "The token may not do this",
    message: "{url}: {message}",
    help: "A viewer reads, an operator also pauses, retries, corrects, discards and replays, an admin may do all. `GET /api/v1/me` says what a token may do; `admin.roles` changes it.",
  },
  HK8215: {
    title: "A token file that can not be used",
    message: "{path}: {problem}",
    help: "The file holds the token alone, on one line, and only its owner may read it: chmod 600.",
  },
  HK8216: {
    title: "Too many wrong tokens",
    message: "{url} takes no more tokens from here for {seconds} s",
    help: "Ten wrong tokens within a minute close the door for a while. Look at what sends them before you try again.",
  },
  HK8217: {
    title: "An answer that is not Hookrail's",
    message: "{url} answered {status} with something that is not from Hookrail's admin API",
    help: "The address may be that of another service, of the hooks listener, or of a proxy in between. `--url` needs the admin listener.",
  },
} as const satisfies ErrorEntries;
