/** Headers as they come over the wire: name, value, name, value … An array is a repeated line. */
export function flat(headers: Readonly<Record<string, string | string[]>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [value].flat().flatMap((each) => [name, each]));
}
