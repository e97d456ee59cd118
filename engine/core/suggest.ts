/** Did you mean: the nearest of the names that exist. */

/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

function closeness(name: string, candidate: string): number {
  if (plain(name) === plain(candidate)) return 0.5;
  const [short, long] = name.length < candidate.length ? [name, candidate] : [candidate, name];
  const begins = short.length >= 3 && long.startsWith(short);
  return begins ? 1 : editDistance(name, candidate);
}

/** The nearest name, or nothing when none is near enough to be what was meant. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > 16) continue;
    const distance = closeness(name, candidate);
    if (distance < bestDistance && candidate !== name) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Of few words, such as an enum's: also one that is two edits away, where no other is. */
export function nearestWord(word: string, words: Iterable<string>): string | undefined {
  const all = [...words];
  const close = word.length < 4 ? [] : all.filter((one) => one !== word && editDistance(word, one) <= 2);
  return nearest(word, all) ?? (close.length === 1 ? close[0] : undefined);
}

/** "did you mean `x`?", or nothing. */
export function didYouMean(name: string, candidates: Iterable<string>): string | undefined {
  const found = nearest(name, candidates);
  return found === undefined ? undefined : `did you mean \`${found}\`?`;
}

/** So close that it was hardly meant: another spelling of the same letters, or a slip or two. */
export function isSlip(name: string, meant: string): boolean {
  return plain(name) === plain(meant) || editDistance(name, meant) <= (name.length >= 7 ? 2 : 1);
}

/** The one name that was surely meant; nothing where none is that close, or several are. */
export function slipOf(name: string, candidates: Iterable<string>): string | undefined {
  const close = [...new Set(candidates)].filter((candidate) => candidate !== name && isSlip(name, candidate));
  return close.length === 1 ? close[0] : undefined;
}
