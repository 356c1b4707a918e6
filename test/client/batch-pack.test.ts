import { describe, expect, it } from '@jest/globals';
import { packJobs, type BatchItem, type PackedPart } from '../../src/client/batch-pack.ts';
import { scriptedService } from '../helpers/scripted.ts';

const { integration } = scriptedService({ service: 'packed' });
const item = (key: string, text = key): BatchItem<unknown> => ({ key, input: { text } });
const numbered = (count: number) => Array.from({ length: count }, (_, nth) => item(`k-${nth}`));

async function pack(source: Iterable<BatchItem<unknown>>, options: Partial<Parameters<typeof packJobs>[2]> = {}) {
  const parts: PackedPart[] = [];
  for await (const part of packJobs(integration, source, { jobsPerPart: 10, ...options })) parts.push(part);
  return parts;
}

describe('packing jobs', () => {
  it('fills parts in order and says which is the last', async () => {
    const parts = await pack(numbered(25));
    expect(parts.map(({ part, jobs, last }) => [part, jobs.length, last])).toEqual([
      [0, 10, false],
      [1, 10, false],
      [2, 5, true],
    ]);
    expect((await pack(numbered(20))).map(({ last }) => last)).toEqual([false, true]);
    expect(await pack([])).toEqual([]);
  });

  it('packs the same jobs the same way, and others otherwise', async () => {
    const digests = async (source: Iterable<BatchItem<unknown>>) => (await pack(source)).map(({ digest }) => digest);
    expect(await digests(numbered(12))).toEqual(await digests(numbered(12)));
    expect(await digests([item('a')])).not.toEqual(await digests([item('a', 'other')]));
    expect(await digests([item('a')])).not.toEqual(await digests([{ ...item('a'), generation: 2 }]));
  });

  it('keeps the inputs of a part within one payload', async () => {
    const parts = await pack(
      Array.from({ length: 6 }, (_, nth) => item(`k-${nth}`, 'x'.repeat(60_000))),
      { unit: 'acme' },
    );
    expect(parts.map(({ jobs }) => jobs.length)).toEqual([3, 3]);
    expect(parts[0]?.jobs[0]?.unit).toBe('acme');
  });

  it('leaves repetitions out and tells of keys that cannot be', async () => {
    const refused: string[] = [];
    const source = [item('a'), item('a'), item('a', 'other'), item('no key'), item('b')];
    const [part] = await pack(source, { onRefused: ({ key }, { code }) => refused.push(`${key} ${code}`) });
    expect(part?.jobs.map(({ key }) => key)).toEqual(['a', 'b']);
    expect(refused).toEqual(['a IDEMPOTENCY_KEY_REUSED', 'no key INVALID_KEY']);
    await expect(pack([item('no key')])).rejects.toMatchObject({ code: 'INVALID_KEY' });
  });

  it('passes an input that does not fit on, so that its job alone fails', async () => {
    const [part] = await pack([{ key: 'a', input: { wrong: 1 } }, item('b')]);
    expect(part?.jobs).toEqual([
      { key: 'a', input: { wrong: 1 } },
      { key: 'b', input: { text: 'b' } },
    ]);
  });
});
