/**
 * What a condition has looked at: where it holds (or does not), some texts can no longer stand there. Which ones is not
 * followed: of such a path it is only no longer known what its texts are. Pure.
 */
import { type Node, walk } from "./ast.ts";
import { KIND, type Type } from "./types.ts";
import type { Typing } from "./typing.ts";

/** A path that a condition reads: from the context, or from a variable. */
export interface ChosenPath {
  readonly root: "context" | { readonly variable: string };
  readonly names: readonly string[];
}

/** Every path in a condition. */
export function chosenPaths(test: Node): readonly ChosenPath[] {
  const paths: ChosenPath[] = [];
  walk(test, (node) => {
    if (node.type === "variable" || node.type === "name" || node.type === "path") paths.push(pathOf(node));
  });
  return paths;
}

function pathOf(node: Node): ChosenPath {
  const steps = node.type === "path" ? node.steps : [node];
  const [head] = steps;
  const variable = head?.type === "variable" && head.name !== "" ? head.name : undefined;
  const names: string[] = [];
  for (const step of head?.type === "variable" ? steps.slice(1) : steps) {
    if (step.type !== "name") break;
    names.push(step.name);
  }
  return { root: variable === undefined ? "context" : { variable }, names };
}

/** The type, without knowing which texts stand at the end of the paths. */
export function forget(type: Type, paths: readonly (readonly string[])[]): Type {
  return paths.reduce(forgetOne, type);
}

function forgetOne(type: Type, [name, ...rest]: readonly string[]): Type {
  const items = type.items === undefined ? undefined : forgetOne(type.items, name === undefined ? [] : [name, ...rest]);
  const kept: Type = items === undefined ? type : { ...type, items };
  if (name === undefined) {
    const { texts: _, ...plain } = kept;
    return plain;
  }
  const member = kept.members?.known.get(name);
  if (kept.members === undefined || member === undefined) return kept;
  const known = new Map([...kept.members.known, [name, { ...member, type: forgetOne(member.type, rest) }]]);
  return { ...kept, members: { ...kept.members, known } };
}

/** What holds once the condition has been asked. */
export function afterTest(test: Node, typing: Typing): Typing {
  const paths = chosenPaths(test).filter(({ root, names }) => names.length > 0 || root !== "context");
  if (paths.length === 0 || !paths.some((path) => mayHaveTexts(path, typing))) return typing;
  const under = (variable: string | undefined) =>
    paths.flatMap(({ root, names }) => ((root === "context" ? undefined : root.variable) === variable ? [names] : []));
  return {
    ...typing,
    context: forget(typing.context, under(undefined)),
    root: forget(typing.root, under("$")),
    names: new Map([...typing.names].map(([name, type]) => [name, forget(type, under(name))])),
  };
}

/** Spares the copies where the paths lead to nothing of which texts are known. */
function mayHaveTexts({ root, names }: ChosenPath, { context, root: whole, names: variables }: Typing): boolean {
  const from = root === "context" ? context : root.variable === "$" ? whole : variables.get(root.variable);
  return from !== undefined && textsAt(from, names);
}

function textsAt(type: Type, [name, ...rest]: readonly string[]): boolean {
  if (type.items !== undefined && textsAt(type.items, name === undefined ? [] : [name, ...rest])) return true;
  if (name === undefined) return (type.kinds & KIND.string) !== 0 && type.texts !== undefined;
  const member = type.members?.known.get(name);
  return member !== undefined && textsAt(member.type, rest);
}
