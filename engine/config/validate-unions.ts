/** Which branch of a union the author meant, so that one fault is told and not one for each branch. */
import type { ErrorObject } from "ajv/dist/2020.js";
import { nearest } from "../core/suggest.ts";
import type { Json } from "../core/types.ts";
import { branchesFor, isMapping, isNode, keyFit, kindOf, type SchemaNode } from "./annotations.ts";

/** Of a union's errors, those of the branch the author meant; the union's own where no branch takes such a value. */
export function chooseErrors(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = errors.filter((error) => !error.schemaPath.includes("/propertyNames/"));
  const unions = errors
    .filter((error) => error.keyword === "anyOf")
    .sort((a, b) => a.schemaPath.length - b.schemaPath.length);
  for (const union of unions) {
    if (!kept.includes(union)) continue;
    const meant = meantBranch(union);
    const inBranch = (error: ErrorObject) =>
      error.schemaPath.startsWith(`${union.schemaPath}/`) && error.instancePath.startsWith(union.instancePath);
    kept = kept.filter((error) => {
      if (error === union) return meant === undefined;
      if (!inBranch(error)) return true;
      return meant !== undefined && error.schemaPath.startsWith(`${union.schemaPath}/${meant}/`);
    });
  }
  return kept;
}

function meantBranch(union: ErrorObject): number | undefined {
  const value: Json = union.data as Json;
  const branches = Array.isArray(union.schema) ? union.schema.filter(isNode) : [];
  const scores = branches.map((branch) => score(branch, value));
  const best = Math.max(...scores);
  if (best === Number.NEGATIVE_INFINITY) return undefined;
  const winners = scores.flatMap((s, i) => (s === best ? [i] : []));
  const mapping = kindOf(value) === "object";
  // A mapping none of whose keys is known, where an expression may stand: YAML read the expression's own `{`.
  if (mapping && !knowsAnyKey(branches, value) && branches.some((b) => b["x-expression"] === true)) return undefined;
  return winners.length === 1 || mapping ? winners[0] : undefined;
}

/** True when one of the value's keys is, or was meant as, a key of some branch; or when a branch takes any key. */
function knowsAnyKey(branches: readonly SchemaNode[], value: Json): boolean {
  if (!isMapping(value)) return false;
  if (branches.some(takesAnyKey)) return true;
  const known = branches.flatMap((branch) => (isNode(branch["properties"]) ? Object.keys(branch["properties"]) : []));
  return Object.keys(value).some((key) => known.includes(key) || nearest(key, known) !== undefined);
}

/** A mapping by name: notes (`x-`) do not count. */
function takesAnyKey(branch: SchemaNode): boolean {
  const patterns = isNode(branch["patternProperties"]) ? Object.keys(branch["patternProperties"]) : [];
  return isNode(branch["additionalProperties"]) || patterns.some((pattern) => pattern !== "^x-");
}

function score(branch: SchemaNode, value: Json): number {
  const taking = branchesFor(branch, value);
  if (taking.length === 0) return Number.NEGATIVE_INFINITY;
  return isMapping(value) ? Math.max(...taking.map((node) => keyFit(node, value))) : 0;
}
