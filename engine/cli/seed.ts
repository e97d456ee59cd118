/** `hookrail seed`: loads what the CRM knows already, and sends nothing. */
import { isAbsolute, join, relative, resolve } from "node:path";
import { Command } from "commander";
import type { Revision, SeedModel } from "../config/revision.ts";
import { fail } from "../core/errors.ts";
import { nearest } from "../core/suggest.ts";
import type { StoreLife } from "../flow/store-life.ts";
import { createEvaluator } from "../mapping/evaluate.ts";
import type { SeedResult } from "../store/store.ts";
import { loadInstallation } from "./config.ts";
import { type Cli, EXIT } from "./context.ts";
import { printDiagnostics } from "./diagnostics.ts";
import { plainText, printJson } from "./format.ts";
import { findInstallation } from "./installation.ts";
import { withLife } from "./life-hands.ts";
import { csvOrigin, type PlacedRow, queryOrigin, type SeedOrigin } from "./seed-rows.ts";
import { collect, type Input, onAction, type Verb } from "./verb.ts";

/** Rows handed over at once: one commit of some milliseconds each, which events do not wait long behind. */
const PART_ROWS = 250;
/** Rows that do not fit are all counted; this many are named. */
const SHOWN_PROBLEMS = 20;

export const seedVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("seed")
      .description("load what the CRM knows already; sends nothing, and leaves alone what is there")
      .argument("[entity]", "the entity; without it all of `seed:` in config.yaml")
      .argument("[file]", "a CSV file, instead of what config.yaml names")
      .option("--key <column>", "with a file: the column that is the entity's key")
      .option("--map <column=target>", "with a file: what a column is (an attribute, an id, state, parent)", collect)
      .option("--dry-run", "look at every row, load nothing")
      .option("--skip-bad", "load the rows that fit though others do not")
      .option("--reason <text>", "why, for the audit", "")
      .option("--json", "machine output"),
    action(async (input) => {
      const installation = findInstallation(cli, globals());
      const evaluator = createEvaluator({ deadlineMs: 250 });
      try {
        const loaded = await loadInstallation(cli, installation.configPath, { evaluator: () => evaluator });
        if (loaded.revision === undefined) printDiagnostics(cli, cli.err, loaded);
        const revision =
          loaded.revision ??
          fail("HK8019", { count: loaded.diagnostics.filter((one) => one.severity === "error").length });
        const origins = originsOf(cli, revision, input);
        const looked = await lookAt(cli, origins, input.options["skipBad"] === true);
        if (input.options["dryRun"] === true) return report(cli, looked, input);
        const work = async (life: StoreLife) => load(life, looked, reasonOf(cli, input));
        const done = await withLife(cli, installation, { entities: revision.entities, work });
        return report(cli, done, input);
      } finally {
        await evaluator.close();
      }
    }),
  );

/** What became of one origin; without `result` only looked at. */
interface Seeded {
  readonly origin: SeedOrigin;
  readonly rows: number;
  readonly bad: number;
  readonly result?: SeedResult;
}

function originsOf(cli: Cli, revision: Revision, input: Input): readonly SeedOrigin[] {
  const [name, file] = input.args;
  if (file !== undefined) return [fileOrigin(cli, revision, { ...input, name: name ?? "", file })];
  for (const option of ["key", "map"])
    if (input.options[option] !== undefined)
      fail("HK8009", { option: `--${option}`, expected: "a file it is about", got: "none" });
  const chosen = name === undefined ? [...revision.seeds.values()] : [revision.seeds.get(name)];
  const seeds = chosen.flatMap((seed) => seed ?? []);
  if (seeds.length === 0) {
    if (name !== undefined) entityOf(revision, name);
    fail("HK8054", { what: name === undefined ? "" : ` for ${name}` });
  }
  return seeds.map((seed) => declaredOrigin(cli, revision, seed));
}

function entityOf(revision: Revision, name: string) {
  const guess = nearest(name, [...revision.entities.keys()]);
  return (
    revision.entities.get(name) ??
    fail("HK8050", { entity: name }, guess === undefined ? {} : { hint: `did you mean \`${guess}\`?` })
  );
}

function declaredOrigin(cli: Cli, revision: Revision, seed: SeedModel): SeedOrigin {
  const common = { entity: entityOf(revision, seed.entity), model: seed, now: cli.clock.now() };
  const { from } = seed;
  if (from.kind === "file") {
    const path = join(revision.root, from.path);
    return csvOrigin({ ...common, path, shown: shownPath(cli, path) });
  }
  const connection = revision.connections.get(from.connection);
  const open = () => connection?.open() ?? fail("HK8053", { from: from.connection, problem: "it is not there" });
  return queryOrigin({ ...common, connection: from.connection, query: from.query, open });
}

/** `--key` and `--map` say what the config would; where it does name the entity, they win over it. */
function fileOrigin(cli: Cli, revision: Revision, at: Input & { name: string; file: string }): SeedOrigin {
  const entity = entityOf(revision, at.name);
  const declared = revision.seeds.get(at.name);
  const { key = declared?.key ?? entity.ids[0] ?? "id", map = [] } = at.options;
  const columns = new Map(declared?.columns);
  for (const pair of map as readonly string[]) {
    const [, column, target] = /^(.+)=([^=]+)$/.exec(pair) ?? [];
    if (column === undefined || target === undefined)
      fail("HK8009", { option: "--map", expected: "column=target, e.g. plan=tier", got: pair });
    columns.set(column, target);
  }
  const path = resolve(cli.cwd, at.file);
  const model = { key: String(key), columns };
  return csvOrigin({ entity, model, now: cli.clock.now(), path, shown: shownPath(cli, path) });
}

function shownPath(cli: Cli, path: string): string {
  const near = relative(cli.cwd, path);
  return near.startsWith("..") || isAbsolute(near) ? path : near;
}

/** Looks at every row before the first is loaded: what does not fit is named, with its line. */
async function lookAt(cli: Cli, origins: readonly SeedOrigin[], skipBad: boolean): Promise<readonly Seeded[]> {
  const looked: Seeded[] = [];
  for (const origin of origins) {
    let [rows, bad] = [0, 0];
    for await (const row of origin.rows()) {
      rows += 1;
      if (row.reading.ok) continue;
      bad += 1;
      if (bad <= SHOWN_PROBLEMS) cli.err.write(`${plainText(row.place)}: ${plainText(row.reading.problem)}\n`);
    }
    if (bad > SHOWN_PROBLEMS) cli.err.write(`… and ${bad - SHOWN_PROBLEMS} more\n`);
    looked.push({ origin, rows, bad });
  }
  const broken = looked.find((one) => one.bad > 0);
  if (broken !== undefined && !skipBad)
    fail("HK8052", { bad: broken.bad, rows: broken.rows, from: broken.origin.from });
  return looked;
}

async function load(
  life: StoreLife,
  looked: readonly Seeded[],
  by: { readonly actor: string; readonly reason: string },
): Promise<readonly Seeded[]> {
  const done: Seeded[] = [];
  for (const one of looked) {
    const { entity, from } = one.origin;
    const total = { created: 0, existing: 0, taken: 0, erased: 0 };
    const hand = async (rows: readonly PlacedRow[], last?: { from: string; rows: number }) => {
      const fitting = rows.flatMap(({ reading }) => (reading.ok ? [reading.value] : []));
      const part = await life.seed({ entity: entity.name, rows: fitting, ...(last === undefined ? {} : { last }) }, by);
      for (const name of ["created", "existing", "taken", "erased"] as const) total[name] += part[name];
    };
    let waiting: PlacedRow[] = [];
    let rows = 0;
    for await (const row of one.origin.rows()) {
      rows += 1;
      waiting.push(row);
      if (waiting.length < PART_ROWS) continue;
      await hand(waiting);
      waiting = [];
    }
    // The last part, even an empty one, brings the audit row and the mark that this entity was seeded.
    await hand(waiting, { from, rows });
    done.push({ ...one, rows, result: total });
  }
  return done;
}

function reasonOf(cli: Cli, { options }: Input) {
  return { actor: cli.user, reason: String(options["reason"]) };
}

function report(cli: Cli, all: readonly Seeded[], { options }: Input): number {
  const documents = all.map(({ origin, rows, bad, result }) => ({
    entity: origin.entity.name,
    from: origin.from,
    rows,
    bad,
    ...result,
  }));
  if (options["json"] === true) printJson(cli, { seeded: documents, dry_run: options["dryRun"] === true });
  else for (const one of all) cli.out.write(`${lineOf(one)}\n`);
  return EXIT.ok;
}

function lineOf({ origin, rows, bad, result }: Seeded): string {
  const skipped = bad === 0 ? "" : `, ${bad} do not fit`;
  const start = `${origin.entity.name} from ${plainText(origin.from)}: ${rows} rows${skipped}`;
  if (result === undefined) return `${start}; nothing was loaded (dry run)`;
  const others = [
    `${result.created} new`,
    `${result.existing} there already`,
    ...(result.taken > 0
      ? [`${result.taken} left out, since an id of theirs belongs to another ${origin.entity.name}`]
      : []),
    ...(result.erased > 0 ? [`${result.erased} left out, since they were erased`] : []),
  ];
  return `${start}; ${others.join(", ")}`;
}
