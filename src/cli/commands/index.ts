import type { CommandGroup } from '../args/command.ts';
import { check } from './check.ts';
import { capacity } from './capacity.ts';
import { codecServer } from './codec-server.ts';
import { allow, budget, deny, disable, enable, kill, restore, weight } from './control.ts';
import { gaps } from './gaps.ts';
import { gen } from './gen.ts';
import { jobs } from './jobs.ts';
import { probe } from './probe.ts';
import { proof } from './proof.ts';
import { create } from './new.ts';
import { rollout } from './rollout.ts';
import { run } from './run.ts';
import { sandbox } from './sandbox.ts';
import { setup } from './setup.ts';
import { start, up } from './start.ts';
import { cost, history, status } from './status.ts';
import { test } from './test.ts';
import { webhooks } from './webhooks.ts';
import { worker } from './worker.ts';

/** All commands there are: what is parsed, and what the help shows. */
export const COMMANDS: CommandGroup = {
  name: 'playbook',
  summary: 'runs other companies’ asynchronous job APIs safely',
  commands: [
    start,
    run,
    up,
    jobs,
    status,
    enable,
    disable,
    kill,
    restore,
    weight,
    rollout,
    budget,
    allow,
    deny,
    history,
    cost,
    capacity,
    worker,
    webhooks,
    sandbox,
    test,
    setup,
    create,
    gaps,
    probe,
    check,
    gen,
    proof,
    codecServer,
  ],
};
