import { describe, expect, it } from '@jest/globals';
import { playbook } from './helpers/test-io.ts';

describe('playbook capacity', () => {
  it('says what a day of jobs needs and what runs out first', async () => {
    const { code, out } = await playbook(['capacity', '--jobs-per-day', '1000000']);
    expect(code).toBe(0);
    expect(out).toMatch(/^jobs {10}34\.7 a second at the peak \(3 times the average\)$/m);
    expect(out).toMatch(/^database +\d[\d.,]* (GB|TB) for 7 days of retention$/m);
    expect(out).toMatch(/What runs out first:\n {2}[\d.,]+ % +of /);
  });

  it('says the same as JSON', async () => {
    const { code, out } = await playbook([
      'capacity',
      '--jobs-per-day',
      '86400',
      '--peak',
      '1',
      '--polls',
      '3',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ workload: { pollsPerJob: 3 }, jobsPerSecond: 1, requestsPerSecond: 5 });
  });

  it('needs to be told how many', async () => {
    const { code, err } = await playbook(['capacity']);
    expect(code).not.toBe(0);
    expect(err).toContain('--jobs-per-day');
  });
});
