import { badUsage } from '../args/bad-usage.ts';
import { defineCommand, JSON_OPTION } from '../args/command.ts';
import { parseDuration, parseWhole } from '../args/duration.ts';

const MOST_JOBS = 100_000_000;

export const capacity = defineCommand({
  name: 'capacity',
  summary: 'what so many jobs a day need, and which limit comes first; asks nobody',
  details: 'From what one job was measured to cost (bench/RESULTS.md); docs/scaling.md says how it is worked out.',
  arguments: [],
  options: {
    'jobs-per-day': { value: 'N', summary: 'up to 100000000; must be given' },
    peak: { value: 'N', summary: 'how many times the average the busiest hour is; 3 if not given' },
    polls: {
      value: 'N',
      summary: 'status requests a job beside the one for its result; 0 if not given, with webhooks',
    },
    'job-time': { value: 'TIME', summary: 'how long a job is at the service; 1m if not given' },
    'retention-days': { value: 'N', summary: 'how long closed jobs are kept; 7 if not given' },
    'write-ms': { value: 'N', summary: 'how long one write of the database takes; 5 if not given' },
    json: JSON_OPTION,
  },
  examples: ['playbook capacity --jobs-per-day 1000000', 'playbook capacity --jobs-per-day 50000 --polls 10 --json'],
  run: async ({ io, path, options }) => {
    const whole = (text: string, flag: string, min: number, max: number): number =>
      parseWhole(text, flag, { min, max }, path);
    const jobsPerDay = options['jobs-per-day'];
    if (jobsPerDay === undefined) throw badUsage('Say how many jobs with --jobs-per-day.', path);
    return (await import('../actions/capacity.ts')).showCapacity(io, {
      json: options.json,
      workload: {
        jobsPerDay: whole(jobsPerDay, 'jobs-per-day', 1, MOST_JOBS),
        peakFactor: whole(options.peak ?? '3', 'peak', 1, 100),
        pollsPerJob: whole(options.polls ?? '0', 'polls', 0, 10_000),
        jobMs: parseDuration(options['job-time'] ?? '1m', 'job-time', path),
        retentionDays: whole(options['retention-days'] ?? '7', 'retention-days', 1, 365),
        writeMs: whole(options['write-ms'] ?? '5', 'write-ms', 1, 1_000),
      },
    });
  },
});
