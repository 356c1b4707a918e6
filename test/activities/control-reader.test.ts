import { describe, expect, it } from '@jest/globals';
import { createControlReader } from '../../src/activities/control-reader.ts';
import { INITIAL_CONTROL } from '../../src/contracts/control.ts';

describe('the control reader', () => {
  const reading = (fail = false) => {
    let nowMs = 0;
    let reads = 0;
    const readControl = createControlReader({
      nowMs: () => nowMs,
      read: async () => {
        reads += 1;
        if (fail && reads === 1) throw new Error('out of reach');
        return { ...INITIAL_CONTROL, revision: reads };
      },
    });
    return { readControl, pass: (ms: number) => (nowMs += ms), reads: () => reads };
  };

  it('reads once for a flood, and again after a second', async () => {
    const { readControl, pass, reads } = reading();
    const all = await Promise.all(Array.from({ length: 50 }, () => readControl('docproc')));
    expect(new Set(all.map(({ revision }) => revision))).toEqual(new Set([1]));
    pass(999);
    expect(await readControl('docproc')).toMatchObject({ revision: 1 });
    pass(1);
    expect(await readControl('docproc')).toMatchObject({ revision: 2 });
    expect(reads()).toBe(2);
  });

  it('reads anew for whoever wants to know better, and keeps services apart', async () => {
    const { readControl, pass, reads } = reading();
    await readControl('docproc');
    pass(30);
    expect(await readControl('docproc', 20)).toMatchObject({ revision: 2 });
    expect(await readControl('docproc')).toMatchObject({ revision: 2 });
    await readControl('other');
    expect(reads()).toBe(3);
  });

  it('does not remember a failure', async () => {
    const { readControl } = reading(true);
    await expect(readControl('docproc')).rejects.toThrow('out of reach');
    await expect(readControl('docproc')).resolves.toMatchObject({ revision: 2 });
  });
});
