import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { closeGap, nextGap, noteFinding, readGaps } from '../../src/authoring/gaps.ts';
import { playbook } from '../cli/helpers/test-io.ts';

const TEXT = `# Context gaps: acme

By hand:   *kept as it is*, trailing spaces too.  

| #  | Area | Unknown / Question | Priority | Hypothesis / Next Probe | Owner | Status |
|----|------|--------------------|----------|-------------------------|-------|--------|
| 1  | Semantics | When is \`GET /jobs/<id>\` stable? | Medium | Poll a\\|b | MK | Open |
| 2  | Rate limits | What does a burst give? | High | 20 at once | Lea | Open |
| 3  | Clocks | Is there a \`Date\`? | High | Look | MK | closed |

- [ ] a list below
`;

describe('a table of gaps', () => {
  it('is read as it was written by hand', () => {
    expect(readGaps(TEXT)).toEqual([
      {
        number: 1,
        area: 'Semantics',
        question: 'When is `GET /jobs/<id>` stable?',
        priority: 'Medium',
        finding: 'Poll a\\|b',
        owner: 'MK',
        status: 'Open',
      },
      {
        number: 2,
        area: 'Rate limits',
        question: 'What does a burst give?',
        priority: 'High',
        finding: '20 at once',
        owner: 'Lea',
        status: 'Open',
      },
      {
        number: 3,
        area: 'Clocks',
        question: 'Is there a `Date`?',
        priority: 'High',
        finding: 'Look',
        owner: 'MK',
        status: 'closed',
      },
    ]);
  });

  it('has as its next gap the open one of the highest priority, the oldest of those', () => {
    const gaps = readGaps(TEXT);
    expect(nextGap(gaps)?.number).toBe(2);
    expect(nextGap(gaps.filter(({ number }) => number !== 2))?.number).toBe(1);
    expect(nextGap(gaps.slice(2))).toBeUndefined();
    expect(nextGap([{ ...gaps[0]!, priority: 'unsorted' }, gaps[1]!])?.number).toBe(2);
  });

  it('changes in the closed row only, and everything around it stays', () => {
    const changed = closeGap(TEXT, 2, { finding: 'ten pass,\nten get 429 | Retry-After 1' });
    const before = TEXT.indexOf('| #');
    expect(changed.slice(0, before)).toBe(TEXT.slice(0, before));
    expect(changed).toMatch(/\n\n- \[ \] a list below\n$/);
    expect(readGaps(changed)).toEqual([
      readGaps(TEXT)[0],
      { ...readGaps(TEXT)[1], finding: 'ten pass, ten get 429 \\| Retry-After 1', status: 'Closed' },
      readGaps(TEXT)[2],
    ]);
    expect(readGaps(closeGap(TEXT, 1, { finding: 'x', status: 'Documented' }))[0]?.status).toBe('Documented');
  });

  it('takes a finding under its question, or as a new row', () => {
    const found = {
      area: 'Rate limits',
      question: 'Is there a ban?',
      priority: 'High',
      finding: 'No | never',
      owner: 'probe',
      status: 'Closed',
    };
    const first = noteFinding(TEXT, found);
    expect(first.number).toBe(4);
    expect(readGaps(first.text)[3]).toEqual({ ...found, number: 4, finding: 'No \\| never' });
    const again = noteFinding(first.text, { ...found, finding: 'Yes' });
    expect(again.number).toBe(4);
    expect(readGaps(again.text)).toHaveLength(4);
    expect(readGaps(again.text)[3]?.finding).toBe('Yes');
  });

  it('that is missing, or has rows without a number of their own, is refused with what it needs', () => {
    const needs =
      'It needs the columns #, Area, Unknown / Question, Priority, Hypothesis / Next Probe, Owner and Status.';
    expect(() => readGaps('# nothing\n\n| a | b |\n| - | - |\n')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: `There is no table of gaps. ${needs}` }),
    );
    for (const number of ['2', 'x']) {
      expect(() => readGaps(TEXT.replace('| 1  |', `| ${number} |`))).toThrow(/needs a number of its own/);
    }
    expect(() => closeGap(TEXT, 9, { finding: 'x' })).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: 'There is no gap 9. There are: 1, 2, 3.' }),
    );
  });
});

describe('playbook gaps', () => {
  let project: string;
  const run = (...argv: string[]) => playbook(['gaps', ...argv, '--project', project]);
  const file = (): string => join(project, 'integrations', 'acme', 'context-gaps.md');
  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'playbook-gaps-'));
    await mkdir(join(project, 'integrations', 'acme'), { recursive: true });
    await mkdir(join(project, 'integrations', 'empty'));
    await writeFile(file(), TEXT);
  });
  afterAll(() => rm(project, { recursive: true }));

  it('lists them, shows the next, closes one, and says so in JSON where asked', async () => {
    expect(await run('acme')).toMatchObject({
      code: 0,
      out: `#  PRIORITY  STATUS  AREA         QUESTION
1  Medium    Open    Semantics    When is \`GET /jobs/<id>\` stable?
2  High      Open    Rate limits  What does a burst give?
3  High      closed  Clocks       Is there a \`Date\`?
2 of 3 open.
`,
    });
    expect((await run('acme', 'next')).out).toBe(
      'Gap 2 (High, Rate limits, Lea): What does a burst give?\n  20 at once\n',
    );
    const closed = await run('acme', 'close', '2', '--finding', '10 pass, 10 are 429', '--json');
    expect(JSON.parse(closed.out)).toMatchObject({ number: 2, status: 'Closed', finding: '10 pass, 10 are 429' });
    expect((await run('acme', 'close', '1', '--finding', 'asked', '--documented')).out).toBe('Gap 1 is documented.\n');
    expect((await run('acme', 'next')).out).toBe('No gap is open.\n');
    expect((await run('acme', 'next', '--json')).out).toBe('');
    expect(
      (await run('acme', 'list', '--json')).out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { number: number }).number),
    ).toEqual([1, 2, 3]);
    expect(await readFile(file(), 'utf8')).toContain('By hand:   *kept as it is*, trailing spaces too.  \n');
    expect(await readdir(join(project, 'integrations', 'acme'))).toEqual(['context-gaps.md']);
  });

  it.each([
    [
      ['acmee'],
      'There is no folder integrations/acmee. Did you mean acme? Known: acme, empty. `playbook new` makes one.',
    ],
    [['empty'], 'integrations/empty/context-gaps.md cannot be read.'],
    [
      ['acme', 'nxt'],
      'There is nothing to do named "nxt": list, next or close. Did you mean next? See `playbook gaps --help`.',
    ],
    [['acme', 'next', '2'], '"2" is one argument too many. See `playbook gaps --help`.'],
    [['acme', 'close'], 'Say which gap: close N. See `playbook gaps --help`.'],
    [
      ['acme', 'close', 'two', '--finding', 'x'],
      'A gap is named by its number (got "two"). See `playbook gaps --help`.',
    ],
    [['acme', 'close', '2'], 'Say what came out: --finding TEXT. See `playbook gaps --help`.'],
    [['acme', 'close', '7', '--finding', 'x'], 'There is no gap 7. There are: 1, 2, 3.'],
  ])('refuses %j with one error', async (argv, message) => {
    const { code, err } = await run(...argv);
    expect({ code, err: err.split('\n')[0] }).toEqual({ code: 2, err: expect.stringContaining(message) });
  });
});
