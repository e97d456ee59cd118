/** A module's text with a defect in it. */
import type { Defect } from "./defects.ts";

/** Throws when the text does not have the place exactly once. */
export function planted({ name, file, find, put }: Defect, text: string): string {
  const places = text.split(find).length - 1;
  if (places !== 1) throw new Error(`"${name}": ${file} has its text ${places} times, expected once: ${find}`);
  return text.replace(find, () => put);
}
