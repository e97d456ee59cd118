/** `customer.*` matches any type that starts with `customer.`; anything else is the type itself. */
export function matchesType(pattern: string, type: string): boolean {
  return pattern.endsWith("*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
