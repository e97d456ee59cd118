/** Sums over the last minutes, in memory: what spikes are measured by. */

export interface Recent {
  add(key: string, count: number, now: number): void;
  /** Over the last `spanMs`, at most an hour. */
  sum(key: string, spanMs: number, now: number): number;
  /** A value of which quantiles are asked: the last 500 are kept. */
  sample(key: string, value: number, now: number): void;
  /** Of what was sampled in the last `spanMs`; undefined for fewer than `least`. */
  quantile(
    key: string,
    share: number,
    ask: { readonly spanMs: number; readonly least: number; readonly now: number },
  ): number | undefined;
}

const BUCKET_MS = 10_000;
const KEPT_MS = 3_600_000;
const SAMPLES = 500;

export function createRecent(): Recent {
  const counts = new Map<string, { bucket: number; count: number }[]>();
  const samples = new Map<string, { at: number; value: number }[]>();
  return {
    add(key, count, now) {
      const bucket = Math.floor(now / BUCKET_MS);
      const list = counts.get(key) ?? [];
      counts.set(key, list);
      const last = list.at(-1);
      if (last?.bucket === bucket) last.count += count;
      else list.push({ bucket, count });
      while ((list[0]?.bucket ?? bucket) < bucket - KEPT_MS / BUCKET_MS) list.shift();
    },
    sum(key, spanMs, now) {
      const first = Math.floor((now - spanMs) / BUCKET_MS);
      let sum = 0;
      for (const one of counts.get(key) ?? []) if (one.bucket > first) sum += one.count;
      return sum;
    },
    sample(key, value, now) {
      const list = samples.get(key) ?? [];
      samples.set(key, list);
      list.push({ at: now, value });
      if (list.length > SAMPLES) list.shift();
    },
    quantile(key, share, { spanMs, least, now }) {
      const values = (samples.get(key) ?? []).filter(({ at }) => at > now - spanMs).map(({ value }) => value);
      if (values.length < least) return undefined;
      values.sort((a, b) => a - b);
      return values[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)];
    },
  };
}
