/** `hookrail secrets`: what providers told us in handshakes (Asana, Notion), to be looked at, accepted or discarded by a person. */
import { Command } from "commander";
import type { JudgedSecret, SecretJudging } from "../flow/learned.ts";
import { secretDocuments } from "../http/told-secrets.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { FORMAT_VERSION, plainText, printJson } from "./format.ts";
import { findPlace, type GlobalOptions, type Installation } from "./installation.ts";
import { withLife } from "./life-hands.ts";
import { withReader } from "./stored.ts";
import { type Input, onAction, type Verb } from "./verb.ts";

export const secretsVerb: Verb = (cli, action, globals) => {
  const command = new Command("secrets").description("secrets that providers told us in a handshake");
  command.addCommand(
    onAction(
      new Command("list").description("without their values").option("--json", "machine output"),
      action(({ options }) => list(cli, globals(), options["json"] === true)),
    ),
  );
  for (const [verb, description] of VERBS) {
    command.addCommand(
      onAction(
        new Command(verb)
          .description(description)
          .argument("<source>", "the source it was told to")
          .argument("<secret>", "its fingerprint, as `secrets list` shows it, or the start of it")
          .option("--reason <text>", "why, for the audit", "")
          .option("--json", "machine output"),
        action((input) => judge(cli, globals(), { verb, input })),
      ),
    );
  }
  return command;
};

const VERBS: readonly (readonly [SecretJudging["verb"], string])[] = [
  ["show", "print one on this terminal, to type it in at the provider; audited"],
  ["accept", "let one verify requests, once you know that it is the provider's; audited"],
  ["discard", "forget one: what it signs is refused; audited"],
];

async function list(cli: Cli, globals: GlobalOptions, json: boolean): Promise<number> {
  const secrets = await secretsAt(cli, findPlace(cli, globals));
  if (json) {
    printJson(cli, { format_version: FORMAT_VERSION, secrets });
    return EXIT.ok;
  }
  for (const one of secrets)
    cli.out.write(`${one.source}  ${one.secret}  ${one.status}  ${plainText(one.name)}  ${one.learned_at}\n`);
  if (secrets.some(({ status }) => status === "pending"))
    cli.err.write("a pending secret verifies nothing: `secrets accept` it once you know that it is the provider's\n");
  return EXIT.ok;
}

async function secretsAt(cli: Cli, place: Installation): Promise<ReturnType<typeof secretDocuments>> {
  if (place.remote === undefined)
    return withReader(place, async (reader) => secretDocuments(await reader.learnedSecrets()));
  const answer = await callAdmin(cli, place, { method: "GET", path: "/api/v1/secrets" });
  return (answer?.document?.["secrets"] ?? []) as ReturnType<typeof secretDocuments>;
}

async function judge(
  cli: Cli,
  globals: GlobalOptions,
  { verb, input }: { readonly verb: SecretJudging["verb"]; readonly input: Input },
): Promise<number> {
  const [source = "", secret = ""] = input.args;
  const judged = await withLife(cli, findPlace(cli, globals), {
    entities: new Map(),
    work: (life) => life.secret({ source, secret, verb }, { actor: cli.user, reason: String(input.options["reason"]) }),
  });
  if (input.options["json"] === true) printJson(cli, { format_version: FORMAT_VERSION, source, ...judged });
  else tell(cli, source, { verb, judged });
  return EXIT.ok;
}

function tell(
  cli: Cli,
  source: string,
  { verb, judged }: { readonly verb: SecretJudging["verb"]; readonly judged: JudgedSecret },
): void {
  if (verb === "show") {
    cli.out.write(`${plainText(judged.value ?? "")}\n`);
    return;
  }
  const told = verb === "accept" ? "verifies requests from now on" : "is forgotten";
  cli.out.write(`${judged.fingerprint} of ${source} ${told}\n`);
}
