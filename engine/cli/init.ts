/** `hookrail init`: a config, a pipeline and a test event in an empty folder, from what the product carries. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { listAssets, readAsset } from "../core/assets.ts";
import { fail } from "../core/errors.ts";
import type { Cli } from "./context.ts";
import { EXIT } from "./context.ts";
import { suggest } from "./format.ts";
import { onAction, type Verb } from "./verb.ts";

const STARTER = "engine/cli/starter/";
/** The recipe's own sample, written out so that it can be read and changed. */
const TEST_EVENT = { asset: "plugins/providers/samples/stripe/invoice.paid.json", file: "events/invoice.paid.json" };

export const initVerb: Verb = (cli, action) =>
  onAction(
    new Command("init")
      .description("write a config, a pipeline and a test event into an empty folder")
      .argument("[folder]", "where; made if it is not there", "."),
    action(async ({ args: [folder = "."] }) => {
      const root = resolve(cli.cwd, folder);
      const files = starterFiles(cli);
      const taken = Object.keys(files).find((name) => existsSync(join(root, name)));
      if (taken !== undefined) fail("HK8010", { path: join(folder, taken) });
      for (const [name, file] of Object.entries(files)) {
        mkdirSync(dirname(join(root, name)), { recursive: true });
        writeFileSync(join(root, name), file.text, { mode: file.mode, flag: "wx" });
        cli.out.write(`${join(folder, name)}\n`);
      }
      if (folder !== ".") cli.err.write(`cd ${folder}\n`);
      suggest(cli, "run");
      cli.err.write("then, in another terminal here:\n");
      suggest(cli, `send stripe/invoice.paid --body ${TEST_EVENT.file}`);
      return EXIT.ok;
    }),
  );

type StarterFiles = Readonly<Record<string, { readonly text: string; readonly mode: number }>>;

function starterFiles(cli: Cli): StarterFiles {
  const shipped = listAssets(STARTER).map(
    (name) => [name.slice(STARTER.length), { text: readAsset(name), mode: 0o644 }] as const,
  );
  return {
    ...Object.fromEntries(shipped),
    [TEST_EVENT.file]: { text: readAsset(TEST_EVENT.asset), mode: 0o644 },
    // A secret of this installation's own: only who has it can sign.
    ".env": { text: `STRIPE_WHSEC=whsec_${cli.randomHex(24)}\n`, mode: 0o600 },
    ".gitignore": { text: ".env\ndata/\n", mode: 0o644 },
  };
}
