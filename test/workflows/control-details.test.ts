import { describe, expect, it } from '@jest/globals';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';
import { describeControl } from '../../src/workflows/control-details.ts';

describe('an integration’s page', () => {
  it('says of one that nobody has touched that it is disabled', () => {
    expect(describeControl('docproc', INITIAL_CONTROL)).toBe(
      [
        '### Integration docproc',
        '',
        '| | |',
        '| --- | --- |',
        '| state | **disabled** |',
        '| stage | none |',
        '| watched | by nobody |',
        '| allowed whatever the weight | nobody |',
        '| denied | nobody |',
        '| budget | none |',
        '| revision | 0 |',
        '| last change | none |',
      ].join('\n'),
    );
  });

  it('says what is in force, and who last changed what and why, whatever characters they use', () => {
    const page = describeControl('docproc', {
      ...INITIAL_CONTROL,
      enabled: true,
      weightBps: 1_250,
      stage: 'canary',
      allow: Array.from({ length: 11 }, (_, n) => `tenant-${n}`),
      budget: { hourlyMicros: 5_000_000 },
      revision: 4,
      changed: { actor: 'a|b', reason: 'two\nlines', atMs: 0, what: 'enabled' },
    });
    expect(page).toContain('| state | **enabled** for 12.5 % of units |');
    expect(page).toContain('| stage | canary |');
    expect(page).toMatch(/\| 11: tenant-0, .*tenant-9, … \|/);
    expect(page).toContain('| budget | $5 an hour |');
    expect(page).toContain('| last change | enabled by a\\|b at 1970-01-01T00:00:00.000Z: two lines |');
  });
});
