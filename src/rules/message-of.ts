/** What something that was thrown says, whatever it is: JavaScript throws anything. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
