import type { JobHandle, JobSnapshot } from '../../client/index.ts';
import type { JobState } from '../../contracts/states.ts';
import { watchJob } from '../compose/watch-job.ts';
import type { CliIo } from '../io.ts';
import { seconds, stateText, timeOfDay } from '../output/format.ts';
import type { Screen } from '../output/screen.ts';

const FRAME_MS = 120;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** Jobs followed on a screen: a finished line for each state, and a live one for what each job is at. */
export interface JobLines {
  /**
   * Follows a job to its end, or until interrupted.
   * @param known its state so far, for a job that has been told of before
   */
  readonly follow: (handle: JobHandle<unknown>, known?: JobState) => Promise<void>;
  readonly close: () => void;
}

export function createJobLines(io: CliIo, screen: Screen): JobLines {
  const live = new Map<string, { readonly job: JobSnapshot; readonly sinceMs: number }>();
  const draw = (): void => {
    const now = performance.now();
    const frame = SPINNER[Math.floor(now / FRAME_MS) % SPINNER.length];
    screen.live(
      [...live.values()].map(
        ({ job, sinceMs }) => `  ${frame} ${job.workflowId}  ${stateText(job.state, io)} for ${seconds(now - sinceMs)}`,
      ),
    );
  };
  const drawing = screen.isLive ? setInterval(draw, FRAME_MS) : undefined;

  const follow: JobLines['follow'] = async (handle, known) => {
    const whose = known === undefined ? '' : `  ${handle.workflowId}`;
    const firstMs = performance.now();
    let last = known;
    const tell = (state: JobState, note: string): void => {
      const elapsed = `+${seconds(performance.now() - firstMs)}`;
      screen.print(`  ${timeOfDay(new Date())}  ${stateText(state, io)}  ${elapsed}${whose}${note}`);
      last = state;
    };
    try {
      await watchJob(handle, io.interrupt, (job) => {
        if (last === undefined && job.state !== 'CREATED') tell('CREATED', '');
        if (job.state !== last) tell(job.state, noteOf(job));
        live.set(job.workflowId, { job, sinceMs: performance.now() });
      });
    } finally {
      live.delete(handle.workflowId);
      if (live.size === 0) screen.live([]);
    }
  };

  return { follow, close: () => clearInterval(drawing) };
}

function noteOf({ state, externalId, errorCode }: JobSnapshot): string {
  if (errorCode !== null) return `  ${errorCode}`;
  return state === 'PROCESSING' && externalId !== null ? `  at the service as ${externalId}` : '';
}
