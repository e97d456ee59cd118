/** What an inference over types carries along, and what it tells of on the way. */
import type { Node, NodeOf } from "./ast.ts";
import { ANY, type Type } from "./types.ts";

/** Something an author may want to hear of. */
export type Observation =
  /** `at.name`, where `at` has members and none of this name. */
  | { readonly kind: "no_member"; readonly node: NodeOf<"name">; readonly at: Type; readonly before: Node | undefined }
  /** An operand that the operator takes in no case. */
  | { readonly kind: "operand"; readonly node: Node; readonly operator: string; readonly got: Type }
  | { readonly kind: "never_equal"; readonly node: NodeOf<"binary">; readonly left: Type; readonly right: Type }
  /** A constant compared with what is only ever one of other texts. */
  | {
      readonly kind: "never_one_of";
      readonly node: NodeOf<"literal">;
      readonly operator: string;
      readonly texts: ReadonlySet<string>;
    }
  /** Within a predicate, where no policy judges what is missing. */
  | { readonly kind: "optional"; readonly node: Node; readonly in: NodeOf<"binary"> }
  | {
      readonly kind: "argument";
      readonly node: Node;
      readonly name: string;
      readonly index: number;
      readonly got: Type;
    }
  | { readonly kind: "count"; readonly node: Node; readonly name: string; readonly given: number };

export interface Typing {
  /** What paths start from. */
  readonly context: Type;
  /** `$$`. */
  readonly root: Type;
  readonly names: ReadonlyMap<string, Type>;
  /** What is missing here is judged by a policy before the result is used. */
  readonly judged: boolean;
  readonly observe: (observation: Observation) => void;
  /** Infers a node: handed on, so that the parts need not import one another in a circle. */
  readonly infer: (node: Node, typing: Typing) => Type;
}

/** A function's body, with the types its parameters are known to have. */
export function inferLambda(node: NodeOf<"lambda">, args: readonly Type[], typing: Typing): Type {
  const names = new Map([...typing.names, ...node.params.map((name, i) => [name, args[i] ?? ANY] as const)]);
  return typing.infer(node.body, { ...typing, names });
}
