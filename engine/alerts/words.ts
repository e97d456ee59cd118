/** Numbers as alerts say them. */

export function percent(share: number): string {
  const value = share * 100;
  return `${Number(value.toFixed(value > 99 && value < 100 ? 3 : 1))}%`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** Two digits are enough of a rate. */
export function about(value: number): string {
  if (value > 1_000) return "more than 1000";
  return String(Number(value.toPrecision(2)));
}

/** To what a person reads: seconds below two minutes, minutes below two hours, else hours. */
export function roughly(ms: number): number {
  const unit = ms < 120_000 ? 1_000 : ms < 7_200_000 ? 60_000 : 3_600_000;
  return Math.round(ms / unit) * unit;
}
