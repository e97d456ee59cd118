/** `hookrail top`: the pipelines of a running engine, live on a terminal; one frame when piped. */
import { Command, Option } from "commander";
import { fail } from "../core/errors.ts";
import { callAdmin } from "./admin-client.ts";
import { type Cli, EXIT } from "./context.ts";
import { plainText } from "./format.ts";
import { findPlace, type Installation } from "./installation.ts";
import { frameOf, type Overview, SORTS, type Sort, type View } from "./top-frame.ts";
import { onAction, parseCount, type Verb } from "./verb.ts";

const EVERY_S = 2;

export const topVerb: Verb = (cli, action, globals) =>
  onAction(
    new Command("top")
      .description("watch the pipelines of the running engine: rates, lags, retries, what waits")
      .addOption(new Option("--sort <by>", "what stands first").choices([...SORTS]).default("dead"))
      .option("--every <seconds>", "how often it looks", parseCount, EVERY_S)
      .option("--once", "one frame, and the end; so it is when piped"),
    action(async ({ options }) => {
      const place = findPlace(cli, globals());
      const sort = SORTS.find((one) => one === options["sort"]) ?? "dead";
      const screen = options["once"] === true ? undefined : cli.screen();
      if (screen === undefined) {
        const view = { sort, still: false, keys: false, rows: Number.POSITIVE_INFINITY };
        const lines = frameOf(await look(cli, place), {
          ...view,
          columns: cli.out.tty ? cli.out.columns : 200,
          color: cli.out.color,
          now: cli.clock.now(),
        });
        cli.out.write(`${lines.join("\n")}\n`);
        return EXIT.ok;
      }
      const everyMs = Math.max(1, Number(options["every"])) * 1_000;
      return watch(cli, { look: () => look(cli, place), screen, everyMs, sort });
    }),
  );

async function look(cli: Cli, place: Installation): Promise<Overview> {
  const answer = await callAdmin(cli, place, { method: "GET", path: "/api/v1/overview" });
  // An engine of an older version has no such path.
  return (answer?.document as Overview | undefined) ?? fail("HK8190", { where: place.remote?.url ?? place.socketPath });
}

/** A terminal that is drawn on as a whole. */
export interface Screen {
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly write: (text: string) => void;
  readonly onKey: (handler: (key: string) => void) => void;
  readonly onResize: (handler: () => void) => void;
  /** Gives the keys back. */
  readonly close: () => void;
}

export interface Watching {
  readonly look: () => Promise<Overview>;
  readonly screen: Screen;
  readonly everyMs: number;
  readonly sort: Sort;
}

const [ENTER, LEAVE] = ["\u001b[?1049h\u001b[?25l", "\u001b[?25h\u001b[?1049l"];
const CTRL_C = "\u0003";
/** Over what is there, so that nothing flickers; each line to its end, and what is left below is cleared. */
const draw = (lines: readonly string[]): string =>
  `\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`;

/** Until `q`, Ctrl-C or a signal. An engine that goes away is said, and looked for again. */
export async function watch(cli: Pick<Cli, "clock" | "out" | "onStopSignal">, watching: Watching): Promise<number> {
  const { screen, everyMs } = watching;
  const ended = Promise.withResolvers<void>();
  let view: Pick<View, "sort" | "still"> = { sort: watching.sort, still: false };
  let last: Overview | undefined;
  let trouble = "";
  let cancel = (): void => {};

  function show(): void {
    const { columns, rows } = screen.size();
    const now = cli.clock.now();
    const all: View = {
      ...view,
      columns,
      rows: rows - (trouble === "" ? 0 : 1),
      color: cli.out.color,
      keys: true,
      now,
    };
    const lines = last === undefined ? [] : frameOf(last, all);
    screen.write(draw(trouble === "" ? lines : [cli.out.color.yellow(trouble.slice(0, columns)), ...lines]));
  }

  async function refresh(): Promise<void> {
    try {
      last = await watching.look();
      trouble = "";
    } catch (error) {
      trouble = plainText(error instanceof Error ? error.message : "the engine does not answer");
    }
    show();
    cancel();
    cancel = cli.clock.after(everyMs, () => void (view.still ? undefined : refresh()));
  }

  const keys: Readonly<Record<string, () => void>> = {
    q: ended.resolve,
    [CTRL_C]: ended.resolve,
    p: () => {
      view = { ...view, still: !view.still };
      if (view.still) show();
      else void refresh();
    },
    s: () => {
      view = { ...view, sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? "dead" };
      show();
    },
  };
  screen.onKey((key) => keys[key.toLowerCase()]?.());
  screen.onResize(show);
  cli.onStopSignal(() => ended.resolve());
  screen.write(ENTER);
  try {
    await refresh();
    await ended.promise;
  } finally {
    cancel();
    screen.write(LEAVE);
    screen.close();
  }
  return EXIT.ok;
}
