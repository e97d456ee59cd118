import type { ErrorEntries } from "../errors.ts";

/** 8xxx */
export const cliErrors = {
  HK8001: {
    title: "No config.yaml here",
    message: "there is no config file at {path}",
    help: "Hookrail reads `config.yaml` in the folder it is started in. Change into that folder, name the file with `--config PATH`, or start a new installation with `hookrail init`.",
  },
  HK8002: {
    title: "Nothing has been stored yet",
    message: "there is no store at {path}",
    help: "The store is made by the first `hookrail run`. If the engine has run before, the command looks at another folder: `store:` in config.yaml is relative to that file.",
  },
  HK8003: {
    title: "No such event",
    message: "no event is known by `{id}`",
    help: "Give the id as `hookrail events` prints it, the first 8 or more characters of it, or the provider's own id. An event older than the retention is gone from the store.",
  },
  HK8004: {
    title: "No such dead letter",
    message: "no open dead letter is known by `{id}`",
    help: "`hookrail dead list` prints the ids. A dead letter that was retried or discarded is closed and can not be closed again.",
  },
  HK8005: {
    title: "The engine is not running",
    message: "no engine answers at {where}",
    help: "`hookrail send` sends over HTTP to the running engine. Start it with `hookrail run` (or `npm start`) in another terminal.",
  },
  HK8256: {
    title: "The engine is there, and could not be spoken to",
    message: "no answer from {where}: {problem}",
    help: "Something listens there. With a certificate of your own, name its CA (or the certificate itself, where it is self-signed) in NODE_EXTRA_CA_CERTS: `NODE_EXTRA_CA_CERTS=tls/hooks.crt npx hookrail send …`; it has to be for the name or address that is called.",
  },
  HK8006: {
    title: "No such sample",
    message: "there is no sample `{sample}`",
    help: "A sample is named `PROVIDER/EVENT`, for example `stripe/invoice.paid`. `hookrail send --list` prints all of them.",
  },
  HK8007: {
    title: "No source takes events of this provider",
    message: "no source in the config has the provider `{provider}`",
    help: "`send` signs with the first secret of a source. Declare one under `sources:` with `provider:`, `path:` and `secrets:`, or name the source with `--source NAME`.",
  },
  HK8008: {
    title: "A reason is needed",
    message: "{action} needs a reason",
    help: 'What a person decides about money is audited: who, when and why. Give it as `--reason "…"`.',
  },
  HK8009: {
    title: "An option that can not be read",
    message: "{option}: expected {expected}, got `{got}`",
    help: "The option's value does not have the form it needs; `--help` shows an example.",
  },
  HK8010: {
    title: "The folder is not empty",
    message: "{path} is already there",
    help: "`init` never overwrites. Run it in an empty folder, or remove the file first.",
  },
  HK8011: {
    title: "The admin API refused",
    message: "the engine answered {status}: {message}",
    help: "The running engine did not do what was asked. Its log has the cause; `hookrail status` shows how it is.",
  },
  HK8012: {
    title: "The admin socket can not be made",
    message: "the admin socket {path} can not be used: {cause}",
    help: "The engine takes commands on a socket beside the store. Its path may be at most 100 bytes long and its folder must be writable.",
  },
  HK8013: {
    title: "A captured request that can not be read",
    message: "{file} line {line}: {problem}",
    help: "`verify` reads one JSON object, or one on each line: provider, secret or secrets, method, url, headers, bodyBase64, now (unix seconds), and params where a provider needs them.",
  },
  HK8014: {
    title: "No such pipeline or connection",
    message: "there is no {kind} `{name}`",
    help: "`hookrail status` lists the pipelines and connections of the running revision.",
  },
  HK8015: {
    title: "Nothing is known of this attribute",
    message: "nothing was ever written to {target}",
    help: "A lineage is asked for as `entity:key.attribute`, for example `customer:cus_1.tier`. The entity is the name under `entities:`, the key its first id.",
  },
  HK8016: {
    title: "An admin listener open to the network",
    message: "admin.host is {host}, which others can reach, and no token is set",
    help: "The admin API can retry, discard and pause. Keep it on 127.0.0.1, or set `admin.tokens`.",
    wrong: "admin: { host: 0.0.0.0 }",
    right: "admin: { host: 127.0.0.1, port: 8081 }",
  },
  HK8017: {
    title: "No such page",
    message: "there is no error code `{code}`",
    help: "Codes are HK and four digits. `hookrail docs errors` lists all of them.",
  },
  HK8018: {
    title: "An admin request that can not be read",
    message: "{problem}",
    help: "The admin API takes JSON objects with the fields named in docs/operations.md. `hookrail dead`, `pause` and `resume` send them for you.",
  },
  HK8019: {
    title: "The config has errors",
    message: "the config has errors ({count}): nothing was done",
    help: "`hookrail check` prints all of them with the place, what was expected and the nearest right name.",
  },
  HK8020: {
    title: "A folder that is not this user's alone",
    message: "{path} is not a folder that only this user can write to",
    help: "The single binary writes its threads' code and the SQLite addon there and runs them, so nobody else may. Remove the folder, or set TMPDIR to a place of this user's own.",
  },
  HK8021: {
    title: "A recipe that can not be used",
    message: "{file}: {problem}",
    help: "The provider recipe has an error. `hookrail check` prints its errors with their places when a source uses the provider.",
  },
  HK8022: {
    title: "An address that can not be listened on",
    message: "can not listen on {where}: {problem}",
    help: "Hooks listen on `server.host` and `server.port`, the admin API on `admin.host` and `admin.port`. Stop what listens there, or choose another port; port 0 takes a free one.",
    right: "server: { port: 8082 }",
  },
} as const satisfies ErrorEntries;
