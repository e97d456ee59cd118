/** A unified diff of two texts by lines, as `diff -u` and git print it. */

/** Lines of context around a change. */
const AROUND = 3;

type Step = { readonly kind: " " | "-" | "+"; readonly line: string };

/** Empty where the texts are equal. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const steps = stepsOf(before.split("\n"), after.split("\n"));
  const changed = steps.flatMap((step, at) => (step.kind === " " ? [] : [at]));
  const hunks: [number, number][] = [];
  for (const at of changed) {
    const last = hunks.at(-1);
    if (last !== undefined && at - last[1] <= 2 * AROUND) last[1] = at;
    else hunks.push([at, at]);
  }
  const told = hunks.map(([first, last]) =>
    hunk(steps, Math.max(0, first - AROUND), Math.min(steps.length, last + AROUND + 1)),
  );
  return `--- ${name}\n+++ ${name}\n${told.join("")}`;
}

function hunk(steps: readonly Step[], from: number, to: number): string {
  const count = (part: readonly Step[], without: "-" | "+") => part.filter(({ kind }) => kind !== without).length;
  const [ahead, own] = [steps.slice(0, from), steps.slice(from, to)];
  const place = (without: "-" | "+") => {
    const lines = count(own, without);
    return `${count(ahead, without) + (lines === 0 ? 0 : 1)},${lines}`;
  };
  return `@@ -${place("+")} +${place("-")} @@\n${own.map(({ kind, line }) => `${kind}${line}\n`).join("")}`;
}

/** The longest common subsequence of what differs; equal beginnings and ends are set aside first. */
function stepsOf(a: readonly string[], b: readonly string[]): readonly Step[] {
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = (lines: readonly string[]) => lines.map((line): Step => ({ kind: " ", line }));
  const middle = between(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  return [...same(a.slice(0, head)), ...middle, ...same(a.slice(a.length - tail))];
}

function between(a: readonly string[], b: readonly string[]): readonly Step[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] as number) + 1
          : Math.max(longest[(i + 1) * width + j] as number, longest[i * width + j + 1] as number);
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      steps.push({ kind: " ", line: a[i] as string });
      i++;
      j++;
    } else if (
      i < a.length &&
      (j === b.length || (longest[(i + 1) * width + j] as number) >= (longest[i * width + j + 1] as number))
    )
      steps.push({ kind: "-", line: a[i++] as string });
    else steps.push({ kind: "+", line: b[j++] as string });
  }
  return steps;
}
