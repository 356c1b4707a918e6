import { budget } from '../../test/gate/experiments/budget.ts';
import { capacity } from '../../test/gate/experiments/capacity.ts';
import { failover } from '../../test/gate/experiments/failover.ts';
import { kill } from '../../test/gate/experiments/kill.ts';
import { lowered } from '../../test/gate/experiments/lowered.ts';
import { outage } from '../../test/gate/experiments/outage.ts';
import { polling } from '../../test/gate/experiments/polling.ts';
import { steady } from '../../test/gate/experiments/steady.ts';
import type { Environment } from '../../test/gate/lab/lab.ts';
import { temporalLimit } from './temporal-limit.ts';

/** By name; what each resolves with is printed. */
export const experiments: Readonly<Record<string, (env: Environment) => Promise<object>>> = {
  'steady-8': (env) => steady(env, 8, 60),
  'steady-50': (env) => steady(env, 50, 60),
  'steady-1': (env) => steady(env, 1, 60),
  'steady-200': (env) => steady(env, 200, 60),
  'temporal-limit-8': (env) => temporalLimit(env, 8, 60),
  'temporal-limit-50': (env) => temporalLimit(env, 50, 60),
  capacity: (env) => capacity(env, 1_000),
  'failover-SIGKILL': (env) => failover(env, 'SIGKILL', 20, 400),
  'failover-SIGTERM': (env) => failover(env, 'SIGTERM', 20, 400),
  'failover-SIGSTOP': (env) => failover(env, 'SIGSTOP', 20, 400),
  'failover-freeze-and-kill': (env) => failover(env, 'freeze-and-kill', 20, 400),
  'failover-cut-off': (env) => failover(env, 'cut-off', 20, 400),
  'kill-flooded': (env) => kill(env, { cap: 20, jobs: 50, flood: 500, wedged: false }),
  'kill-forced': (env) => kill(env, { cap: 20, jobs: 50, flood: 500, wedged: true }),
  budget: (env) => budget(env, { cap: 20, budgetJobs: 100, jobs: 300 }),
  outage: (env) => outage(env, { cap: 20, jobs: 60, seconds: 45 }),
  'polling-by-list': (env) => polling(env, { cap: 20, jobs: 500, busySeconds: 60, canList: true }),
  'polling-one-by-one': (env) => polling(env, { cap: 20, jobs: 300, busySeconds: 60, canList: false }),
  'polling-ten-thousand': (env) => polling(env, { cap: 50, jobs: 10_000, busySeconds: 600, canList: true }),
  'lowered-announced': (env) => lowered(env, { cap: 16, announced: true, lowSeconds: 60 }),
  'lowered-unannounced': (env) => lowered(env, { cap: 16, announced: false, lowSeconds: 100 }),
};
