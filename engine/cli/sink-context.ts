/** What each connection's sink may use: guarded HTTP, expressions, paths below the installation, and nothing else. */
import { join } from "node:path";
import { staysInside } from "../config/files.ts";
import type { Clock } from "../core/clock.ts";
import type { EntityModel } from "../core/entity.ts";
import { fail } from "../core/errors.ts";
import type { Evaluator, Expression } from "../core/expression.ts";
import type { Json } from "../core/types.ts";
import { createSinkContext } from "../delivery/context.ts";
import type { ConnectionModel } from "../delivery/model.ts";
import { compileExpression } from "../mapping/expression.ts";
import { createSinkHttp } from "../network/client.ts";
import type { SinkContext } from "../plugin/index.ts";

export interface SinkInstallation {
  readonly root: string;
  readonly entities: ReadonlyMap<string, EntityModel>;
}

/** Makes the contexts of all connections of an installation. */
export function createSinkContexts(deps: {
  readonly clock: Clock;
  readonly evaluator: () => Evaluator;
}): (connection: ConnectionModel, installation: SinkInstallation) => SinkContext {
  const { clock, evaluator } = deps;
  return (connection, { root, entities }) =>
    createSinkContext({
      connection: connection.name,
      clock,
      http: createSinkHttp({
        allowPrivate: connection.allowPrivate,
        connections: connection.concurrency,
        totalTimeoutMs: connection.timeoutMs,
      }),
      entities: new Map([...entities].map(([name, entity]) => [name, describeEntity(entity)])),
      resolvePath(path) {
        if (!staysInside(path)) fail("HK1006", { path });
        return join(root, path);
      },
      evaluate: (expression, input, variables = {}) =>
        evaluate(expression, input, { evaluator: evaluator(), variables, receivedAt: clock.now() }),
      compile,
    });
}

function describeEntity(entity: EntityModel): EntityDescription {
  return {
    ids: entity.ids,
    attributes: new Map([...entity.attributes].map(([name, { type, sensitive }]) => [name, { type, sensitive }])),
    hasStates: entity.states.length > 0,
  };
}

type EntityDescription = NonNullable<ReturnType<SinkContext["entities"]["get"]>>;

/** Presets read their scope, not a payload: what is missing there is the body's affair, not a policy's. */
function compile(source: string): Expression {
  const compiled = compileExpression(source, { missingPolicy: false });
  if (compiled.ok) return compiled.expression;
  return fail("HK2001", { problem: compiled.faults[0]?.message ?? source });
}

interface Evaluation {
  readonly evaluator: Evaluator;
  readonly variables: Readonly<Record<string, Json | undefined>>;
  readonly receivedAt: number;
}

async function evaluate(
  expression: Expression,
  input: Json,
  { evaluator, ...scope }: Evaluation,
): Promise<Json | undefined> {
  const result = await evaluator.evaluate(expression, { input, ...scope });
  return result.ok ? result.value : fail("HK2010", { expression: expression.source, problem: result.message });
}
