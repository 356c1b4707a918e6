import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { sha256, start } from '../../../../test/sandbox/support/api.ts';

const root = new URL('../../../../', import.meta.url);
const notes = new URL('../../spike-notes.md', import.meta.url);

/** Splits a command as a shell would: words, double quotes with `\"`, and `$NAME`. */
function words(command: string, variables: Readonly<Record<string, string>>): string[] {
  const quoted = [...command.matchAll(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g)].map(([word]) => word);
  return quoted.map((word) =>
    word
      .replaceAll(/"((?:\\.|[^"\\])*)"/g, (_, inside: string) => inside.replaceAll('\\"', '"'))
      .replaceAll(/\$(\w+)/g, (_, name: string) => variables[name] ?? `$${name}`),
  );
}

/** Sends what a curl command would. */
async function curl(args: readonly string[]): Promise<unknown> {
  let url = '';
  let method: string | undefined;
  let body: string | Buffer | undefined;
  const headers = new Headers();
  for (let index = 0; index < args.length; index += 1) {
    const next = (): string => args[(index += 1)] ?? '';
    const arg = args[index] ?? '';
    if (arg === '-s') continue;
    if (arg === '-X') method = next();
    else if (arg === '-u') headers.set('authorization', `Basic ${Buffer.from(next()).toString('base64')}`);
    else if (arg === '-d') body = body === undefined ? next() : `${String(body)}&${next()}`;
    else if (arg === '--data-binary') body = await readFile(new URL(next().slice(1), root));
    else if (arg === '-H') {
      const [name = '', ...value] = next().split(': ');
      headers.set(name, value.join(': '));
    } else url = arg;
  }
  if (body !== undefined && !headers.has('content-type')) {
    headers.set('content-type', 'application/x-www-form-urlencoded');
  }
  const request = { method: method ?? (body === undefined ? 'GET' : 'POST'), headers };
  return (await fetch(url, { ...request, ...(body === undefined ? {} : { body }) })).json();
}

/** An answer reduced to what was recorded of it; `…` stands for anything. */
function asRecorded(answer: unknown, recorded: unknown): unknown {
  if (typeof recorded === 'string' && typeof answer === 'string') return fits(answer, recorded) ? recorded : answer;
  if (Array.isArray(recorded) && Array.isArray(answer)) {
    return answer.map((item, index) => asRecorded(item, recorded[index]));
  }
  if (typeof recorded !== 'object' || recorded === null || typeof answer !== 'object' || answer === null) return answer;
  const named = Object.entries(recorded).filter(([key]) => key in answer);
  return Object.fromEntries(named.map(([key, value]) => [key, asRecorded(answer[key as never], value)]));
}

function fits(answer: string, recorded: string): boolean {
  const parts = recorded.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^]*')}$`).test(answer);
}

describe('spike-notes.md', () => {
  it('records what the sandbox answers', async () => {
    const { sandbox } = await start({ processing: { minMs: 0, maxMs: 0 } });
    const sample = await readFile(new URL('integrations/docproc/demos/sample.pdf', root));
    const variables: Record<string, string> = {
      BASE: sandbox.url,
      FILE: 'integrations/docproc/demos/sample.pdf',
      SHA: sha256(sample),
    };
    const text = await readFile(notes, 'utf8');
    const steps = [...text.matchAll(/```bash\n([^`]*curl [^`]*)\n```\n\n```json\n([^`]*)\n```/g)];
    expect(steps).toHaveLength(text.match(/curl -s/g)?.length ?? 0);
    for (const [, command = '', recorded = ''] of steps) {
      const assigned = /^(\w+)=\$\(curl (.*) \| field (\w+)\)$/.exec(command);
      const answer = await curl(words(assigned?.[2] ?? command.slice('curl '.length), variables));
      const wanted: unknown = JSON.parse(recorded);
      expect([command, asRecorded(answer, wanted)]).toEqual([command, wanted]);
      if (assigned) variables[assigned[1] ?? ''] = (answer as Record<string, string>)[assigned[3] ?? ''] ?? '';
      if (assigned?.[1] === 'JOB') {
        while ((await job()) === 'PROCESSING') await pause();
      }
    }
    async function job(): Promise<unknown> {
      const authorization = `Bearer ${variables['TOKEN']}`;
      const answer = await fetch(`${sandbox.url}/v3/jobs/${variables['JOB']}`, { headers: { authorization } });
      return ((await answer.json()) as Record<string, unknown>)['status'];
    }
  });
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));
