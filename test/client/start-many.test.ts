import { describe, expect, it } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { createPlaybookClient, type StartManyOptions } from '../../src/client/index.ts';
import { scriptedService } from '../helpers/scripted.ts';

const { integration } = scriptedService({ service: 'many' });

describe('a batch that cannot be', () => {
  it.each<[Partial<StartManyOptions>, string]>([
    [{ name: '' }, '"" is no name for a batch. Use 1 to 64 letters, digits, dots, dashes and underscores.'],
    [{ name: 'a/b' }, '"a/b" is no name for a batch.'],
    [{ name: 'x'.repeat(65) }, 'is no name for a batch.'],
    [{ jobsPerPart: 0 }, 'jobsPerPart must be a whole number from 1 to 1000 (got 0).'],
    [{ jobsPerPart: 1_001 }, 'jobsPerPart must be a whole number from 1 to 1000 (got 1001).'],
    [{ jobsPerPart: 1.5 }, 'jobsPerPart must be a whole number from 1 to 1000 (got 1.5).'],
    [{ maxOpenJobs: 0 }, 'maxOpenJobs must be a whole number above 0 (got 0).'],
    [{ maxOpenJobs: Number.NaN }, 'maxOpenJobs must be a whole number above 0 (got NaN).'],
  ])('is refused at once: %j', (options, message) => {
    // Nothing is asked of Temporal.
    const playbook = createPlaybookClient({} as Client);
    expect(() => playbook.startMany(integration, [], { name: 'n', ...options })).toThrow(
      expect.objectContaining({ code: 'BAD_USAGE', message: expect.stringContaining(message) }),
    );
  });
});
