/** `hookrail schema`: the JSON Schema that editors complete and check with. */
import { Command, Option } from "commander";
import { editorSchemaOf, FILE_KINDS, type FileKind } from "../config/schema/editor.ts";
import { loadRegistry } from "./config.ts";
import { EXIT } from "./context.ts";
import { onAction, type Verb } from "./verb.ts";

const KINDS = Object.keys(FILE_KINDS);
const isKind = (text: string): text is FileKind => KINDS.includes(text);

export const schemaVerb: Verb = (cli, action) =>
  onAction(
    new Command("schema")
      .description("print the JSON Schema of a kind of file, for editors")
      .addOption(new Option("--of <kind>", "which kind of file").choices(KINDS).default("config")),
    action(async ({ options }) => {
      const kind = String(options["of"]);
      const registry = await loadRegistry(cli.cwd);
      const sinks = registry.list().map((found) => found.descriptor);
      const schemes = [...registry.schemes.keys()];
      if (isKind(kind)) cli.out.write(`${JSON.stringify(editorSchemaOf(kind, sinks, schemes), undefined, 2)}\n`);
      return EXIT.ok;
    }),
  );
