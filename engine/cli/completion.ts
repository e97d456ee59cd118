/** `hookrail completion`: a script for the shell, which asks `hookrail complete` for the words that fit. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Argument, Command } from "commander";
import { isMap, isScalar, parseAllDocuments } from "yaml";
import { namesOf, shippedFiles } from "../config/shipped.ts";
import { errorCatalogue } from "../core/errors.ts";
import { type Cli, EXIT } from "./context.ts";
import { findConfig, type GlobalOptions } from "./installation.ts";
import { PLAN_POSTED } from "./plan-posted.ts";
import { onAction, type Verb } from "./verb.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Each asks with the words typed so far, the one under the cursor last; a line of the answer is a word that fits. */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# hookrail completion for bash: eval "$(hookrail completion bash)"
_hookrail() {
  local IFS=$'\\n' line word="\${COMP_WORDS[COMP_CWORD]}"
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while read -r line; do COMPREPLY+=("$line"); done < <("\${COMP_WORDS[0]}" complete -- "\${typed[@]}" 2>/dev/null)
  # Bash takes what stands after a colon for a word of its own.
  if [[ "$word" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local i
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"\${word%"\${word##*:}"}"}"; done
  fi
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then compopt -o default 2>/dev/null; fi
}
complete -F _hookrail hookrail
`,
  zsh: `#compdef hookrail
# hookrail completion for zsh: eval "$(hookrail completion zsh)"
_hookrail() {
  local -a found
  found=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -- "\${found[@]}"; else _files; fi
}
compdef _hookrail hookrail
`,
  fish: `# hookrail completion for fish: hookrail completion fish | source
function __hookrail_complete
  set -l typed (commandline -opc) (commandline -ct)
  $typed[1] complete -- $typed[2..-1] 2>/dev/null
end
complete -c hookrail -f -a '(__hookrail_complete)'
complete -c hookrail -F -n 'test (count (__hookrail_complete)) -eq 0'
`,
};

export const completionVerb: Verb = (cli, action) =>
  onAction(
    new Command("completion")
      .description("print the script that completes commands, options and names in a shell")
      .addArgument(new Argument("<shell>", "which shell").choices(SHELLS)),
    action(async ({ args: [shell] }) => {
      cli.out.write(SCRIPTS[shell as (typeof SHELLS)[number]]);
      return EXIT.ok;
    }),
  );

/** The words that fit at the end of what is typed, one a line; hidden: only the scripts ask. */
export const completeVerb: Verb = (cli, action, globals) => {
  const command = new Command("complete").argument("[words...]").allowUnknownOption().helpOption(false);
  return onAction(
    command,
    action(async ({ args }) => {
      const program = command.parent;
      if (program !== null)
        for (const word of wordsFor(cli, program, { typed: args, globals: globals() })) cli.out.write(`${word}\n`);
      return EXIT.ok;
    }),
  );
};

interface Asked {
  readonly typed: readonly string[];
  readonly globals: GlobalOptions;
}

function wordsFor(cli: Cli, program: Command, { typed, globals }: Asked): readonly string[] {
  const word = typed.at(-1) ?? "";
  const place = follow(program, typed.slice(0, -1));
  const config = place.config ?? globals.config;
  const names = () => installationNames(cli, config === undefined ? {} : { config });
  const all = place.waiting === undefined ? atArgument(place, word, names) : forOption(place.waiting, names);
  return [...new Set(all)].filter((one) => one.startsWith(word)).sort();
}

interface Place {
  readonly command: Command;
  /** The option whose value comes next. */
  readonly waiting?: Command["options"][number];
  readonly arguments: readonly string[];
  readonly config?: string;
}

function follow(program: Command, words: readonly string[]): Place {
  let command = program;
  let waiting: Place["waiting"];
  let config: string | undefined;
  const positional: string[] = [];
  for (const word of words) {
    if (waiting !== undefined) {
      if (waiting.long === "--config") config = word;
      waiting = undefined;
    } else if (word.startsWith("-") && word !== "-") {
      const [name, value] = word.split("=", 2);
      const option = command.options.find((one) => one.long === name || one.short === name);
      if (option !== undefined && (option.required || option.optional) && value === undefined) waiting = option;
    } else {
      const sub =
        positional.length === 0
          ? command.commands.find((one) => one.name() === word || one.alias() === word)
          : undefined;
      if (sub === undefined) positional.push(word);
      else command = sub;
    }
  }
  return {
    command,
    arguments: positional,
    ...(waiting !== undefined && { waiting }),
    ...(config !== undefined && { config }),
  };
}

/** Only scripts and the engine call these. */
const HIDDEN = new Set<string>(["complete", PLAN_POSTED]);
const isHidden = (command: Command) => HIDDEN.has(command.name());

function atArgument({ command, arguments: before }: Place, word: string, names: () => Names): readonly string[] {
  if (word.startsWith("-"))
    return [...command.options.filter((one) => !one.hidden).flatMap((one) => one.long ?? one.short ?? []), "--help"];
  const subs = before.length === 0 ? command.commands.filter((one) => !isHidden(one)).map((one) => one.name()) : [];
  const declared = command.registeredArguments;
  const argument = declared[before.length] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined);
  if (argument?.argChoices !== undefined) return [...subs, ...argument.argChoices];
  return [...subs, ...dynamic(command.name(), before, names)];
}

/** Names that only the installation knows, where a verb takes them. */
function dynamic(verb: string, before: readonly string[], names: () => Names): readonly string[] {
  switch (verb) {
    case "pause":
    case "resume":
      if (before.length === 0) return ["connection", "pipeline"];
      return before.length > 1
        ? []
        : before[0] === "connection"
          ? names().connections
          : before[0] === "pipeline"
            ? names().pipelines
            : [];
    case "test":
      return names().pipelines;
    case "explain":
      return before.length === 0 ? Object.keys(errorCatalogue) : [];
    case "seed":
      return before.length === 0 ? names().entities : [];
    case "send":
      return before.length === 0 ? names().samples() : [];
    default:
      return [];
  }
}

function forOption(option: NonNullable<Place["waiting"]>, names: () => Names): readonly string[] {
  if (option.argChoices !== undefined) return option.argChoices;
  switch (option.long) {
    case "--pipeline":
      return names().pipelines;
    case "--source":
      return names().sources;
    case "--connection":
    case "--to":
      return names().connections;
    case "--entity":
      return names().entities;
    case "--provider":
      return namesOf(shippedFiles.list("plugins/providers/"), "plugins/providers");
    case "--sink":
      return ["file", "http", "sql", ...namesOf(shippedFiles.list("plugins/sinks/"), "plugins/sinks")];
    default:
      return [];
  }
}

interface Names {
  readonly pipelines: readonly string[];
  readonly sources: readonly string[];
  readonly connections: readonly string[];
  readonly entities: readonly string[];
  readonly samples: () => readonly string[];
}

const NOTHING: Names = { pipelines: [], sources: [], connections: [], entities: [], samples: () => [] };

/** Read from the files without compiling them: it has to be done between two key strokes, also while they are broken. */
function installationNames(cli: Cli, globals: GlobalOptions): Names {
  const given = resolve(cli.cwd, globals.config ?? "config.yaml");
  const path = basename(given) === "config.yaml" ? given : join(given, "config.yaml");
  if (!existsSync(path) || !statSync(path).isFile()) return NOTHING;
  const configPath = findConfig(cli, globals);
  const root = dirname(configPath);
  const config = readFileSync(configPath, "utf8");
  const folder = join(root, "pipelines");
  const files = existsSync(folder)
    ? readdirSync(folder).filter((name) => /\.ya?ml$/.test(name) && !/\.test\.ya?ml$/.test(name))
    : [];
  const pipelines = files.flatMap((name) => valuesAt(readFileSync(join(folder, name), "utf8"), "pipeline"));
  return {
    pipelines,
    sources: keysAt(config, "sources"),
    connections: keysAt(config, "connections"),
    entities: keysAt(config, "entities"),
    samples: () => samplesOf(config),
  };
}

const documentsOf = (text: string) => {
  const documents = parseAllDocuments(text, { logLevel: "silent", uniqueKeys: false });
  return Array.isArray(documents) ? documents : [];
};

function memberOf(contents: unknown, key: string): unknown {
  return isMap(contents) ? contents.get(key, true) : undefined;
}

function keysAt(text: string, key: string): readonly string[] {
  return documentsOf(text).flatMap(({ contents }) => {
    const map = memberOf(contents, key);
    return isMap(map) ? map.items.flatMap((pair) => (isScalar(pair.key) ? [String(pair.key.value)] : [])) : [];
  });
}

function valuesAt(text: string, key: string): readonly string[] {
  return documentsOf(text).flatMap(({ contents }) => {
    const value = memberOf(contents, key);
    return isScalar(value) && typeof value.value === "string" ? [value.value] : [];
  });
}

/** `stripe/invoice.paid`, for the providers that the config names. */
function samplesOf(config: string): readonly string[] {
  const sources = documentsOf(config).flatMap(({ contents }) => {
    const map = memberOf(contents, "sources");
    return isMap(map) ? map.items.map(({ value }) => memberOf(value, "provider")) : [];
  });
  const providers = new Set(sources.flatMap((one) => (isScalar(one) ? [String(one.value)] : [])));
  return [...providers].flatMap((provider) => {
    const text = shippedFiles.read(`plugins/providers/${provider}.yaml`);
    const [recipe] = text === undefined ? [] : documentsOf(text);
    const samples =
      (recipe?.toJS() as { readonly samples?: readonly { readonly name: string }[] } | undefined)?.samples ?? [];
    return samples.map(({ name }) => `${provider}/${name}`);
  });
}
