import { condition, defineSignal, proxyActivities, setHandler, sleep } from '@temporalio/workflow';

/** What both do over HTTP. */
export interface FloorActivities {
  /** @returns the service's id of the job */
  post(key: string, callback: string | null): Promise<string>;
  /** @returns whether it is over */
  get(id: string): Promise<boolean>;
}

export const doneSignal = defineSignal('done');

const { post, get } = proxyActivities<FloorActivities>({
  startToCloseTimeout: '30s',
  retry: { maximumInterval: '10s' },
});

/** The least that can be written: POST, await the signal, done. No validation, no pacing, no result, no polling if the webhook is lost. */
export async function floor(key: string, callback: string): Promise<string> {
  let done = false;
  setHandler(doneSignal, () => void (done = true));
  const id = await post(key, callback);
  await condition(() => done);
  return id;
}

/** What is usually written: POST, then a timer and a GET, again and again. */
export async function timerLoop(key: string, everyMs: number): Promise<string> {
  const id = await post(key, null);
  do await sleep(everyMs);
  while (!(await get(id)));
  return id;
}
