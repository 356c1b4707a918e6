import { parseWhole } from '../args/duration.ts';
import type { Call } from '../args/command.ts';
import { JSON_OPTION } from '../args/command.ts';

/** Flags of every command that changes something for everybody. */
export const WHY_OPTIONS = {
  reason: { value: 'TEXT', summary: 'why; kept in the history; asked for on a terminal' },
  actor: { value: 'NAME', summary: 'who; user@host if not given' },
  json: JSON_OPTION,
} as const;

/** Flags of every command that changes the control state. */
export const CHANGE_OPTIONS = {
  ...WHY_OPTIONS,
  'expect-revision': { value: 'N', summary: 'refuse if the control state is no longer at this revision' },
} as const;

/** Who and why. @throws PlaybookError BAD_USAGE without a reason */
export async function whyOf({
  io,
  path,
  options,
}: Call<typeof WHY_OPTIONS>): Promise<{ readonly actor: string; readonly reason: string }> {
  const [{ reasonFor }, { currentActor }] = await Promise.all([
    import('../compose/reason.ts'),
    import('../compose/actor.ts'),
  ]);
  return { actor: options.actor ?? currentActor(), reason: await reasonFor(io, options.reason, path) };
}

/** What every change of the control state carries. */
export async function changeOf(call: Call<typeof CHANGE_OPTIONS>) {
  const { path, options } = call;
  const expected = options['expect-revision'];
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
  return {
    service: call.arguments[0] ?? '',
    expectedRevision: expected === undefined ? undefined : parseWhole(expected, 'expect-revision', bounds, path),
    json: options.json,
    why: await whyOf(call),
  };
}
