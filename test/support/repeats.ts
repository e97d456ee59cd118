/** How often a CRM heard of the same thing again. */
import type { Crm } from "./crm.ts";

/** Requests beyond the first of each key, by whether the place honours keys. */
export function repeatsOf({ requests }: Pick<Crm, "requests">): { readonly plain: number; readonly keyed: number } {
  const beyondFirst = (place: string) => {
    const keys = requests.filter((one) => one.place === place).map(({ key }) => key);
    return keys.length - new Set(keys).size;
  };
  return { plain: beyondFirst("plain"), keyed: beyondFirst("keyed") };
}
