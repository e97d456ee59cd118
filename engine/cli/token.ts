/** `hookrail token new`: makes a token for the admin API, and the line for the config that keeps only its hash. */
import { hash } from "node:crypto";
import { Command, InvalidArgumentError, Option } from "commander";
import { BUILT_IN_ROLES } from "../http/admin-guard.ts";
import { EXIT } from "./context.ts";
import { printJson } from "./format.ts";
import { onAction, type Verb } from "./verb.ts";

export const tokenVerb: Verb = (cli, action, globals) =>
  new Command("token").description("tokens of the admin API: new").addCommand(newVerb(cli, action, globals));

const newVerb: Verb = (cli, action) =>
  onAction(
    new Command("new")
      .description("make a token; it is shown once, and the config keeps its hash")
      .requiredOption("--name <name>", "who holds it, as the audit will say", parseName)
      .addOption(
        new Option("--role <role>", "what it may do").choices(Object.keys(BUILT_IN_ROLES)).makeOptionMandatory(),
      )
      .option("--json", "machine output"),
    action(async ({ options }) => {
      const { name, role } = options;
      const token = `hkr_${Buffer.from(cli.randomHex(32), "hex").toString("base64url")}`;
      const kept = `sha256:${hash("sha256", token, "hex")}`;
      if (options["json"] === true) printJson(cli, { name, role, token, hash: kept });
      else {
        cli.err.write("the token, shown this once; keep it where secrets are kept:\n\n");
        cli.out.write(`${token}\n`);
        cli.err.write(`\nits line under \`admin.tokens\` in config.yaml:\n\n`);
        cli.err.write(`    - { name: ${String(name)}, role: ${String(role)}, hash: ${kept} }\n`);
      }
      return EXIT.ok;
    }),
  );

/** As names are in the language. */
function parseName(text: string): string {
  if (/^[a-z][a-z0-9._-]*$/.test(text)) return text;
  throw new InvalidArgumentError("a name is small letters, digits, dots and dashes, and begins with a letter");
}
