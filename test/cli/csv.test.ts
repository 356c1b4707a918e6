import { describe, expect, it } from '@jest/globals';
import { csvRows } from '../../src/cli/compose/csv.ts';

async function rows(...chunks: string[]): Promise<(readonly string[])[]> {
  const read: (readonly string[])[] = [];
  const source = async function* (): AsyncGenerator<string, void> {
    yield* chunks;
  };
  for await (const row of csvRows(source())) read.push(row);
  return read;
}

describe('comma-separated values', () => {
  it('hold commas, line breaks and quotes in quoted fields, wherever the chunks end', async () => {
    const text = 'key,text\r\na,"one, two\nthree ""four"""\r\n\r\nb,\n';
    const expected = [
      ['key', 'text'],
      ['a', 'one, two\nthree "four"'],
      ['b', ''],
    ];
    expect(await rows(text)).toEqual(expected);
    expect(await rows(...text.split(''))).toEqual(expected);
  });

  it('need no line break at the end', async () => {
    expect(await rows('a,b\n1,"2"')).toEqual([
      ['a', 'b'],
      ['1', '2'],
    ]);
    expect(await rows('')).toEqual([]);
  });
});
