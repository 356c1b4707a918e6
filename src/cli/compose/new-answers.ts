import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { proposalFromOpenApi } from '../../authoring/new/openapi.ts';
import type { Answers } from '../../authoring/new/render.ts';
import { checkNewService } from '../../authoring/new/write.ts';
import { PlaybookError } from '../../contracts/errors.ts';
import { badUsage } from '../args/bad-usage.ts';
import { parseWhole } from '../args/duration.ts';
import type { CliIo } from '../io.ts';
import { currentUser } from './actor.ts';
import { canAsk } from './ask.ts';
import { promptLine } from './prompt.ts';

/** What `playbook new` can be told, as it was given. */
export type GivenAnswers = Readonly<
  Record<'service' | 'from' | 'objective' | 'owner' | 'qps' | 'cost', string | undefined>
>;

/** What one answer is asked by, and the one rule for it, whether it comes from a flag or from a person. */
interface AnswerRule {
  readonly message: string;
  /** Of who only presses Enter; none where nothing is usual. */
  readonly usual?: string;
  /** @throws PlaybookError naming the rule */
  readonly check: (text: string) => unknown;
}

export interface NewAnswers extends Omit<Answers, 'startedOn'> {
  readonly from: string | undefined;
}

/**
 * The answers a new integration is written from: from flags, then from whoever is at the terminal, then what is usual.
 * @param context `integrations` is the folder it goes into; `asks` whether a person may be asked
 * @throws PlaybookError by the rule of an answer that will not do; InterruptedError
 */
export async function newAnswers(
  io: CliIo,
  given: GivenAnswers,
  context: { readonly path: readonly string[]; readonly integrations: string; readonly asks: boolean },
): Promise<NewAnswers> {
  const rules = rulesOf(io, given, context);
  const answers = new Map<string, string>();
  for (const [name, { check }] of Object.entries(rules)) {
    const text = given[name as keyof GivenAnswers];
    if (text === undefined) continue;
    await check(text);
    answers.set(name, text);
  }
  const isAsking = context.asks && canAsk(io);
  for (const [name, rule] of Object.entries<AnswerRule>(rules)) {
    if (answers.has(name)) continue;
    if (isAsking) answers.set(name, (await promptLine(io, rule)).trim());
    else if (rule.usual === undefined) throw badUsage(`<${name}> is missing.`, context.path);
    else answers.set(name, rule.usual);
  }
  const said = (name: keyof GivenAnswers): string => answers.get(name) ?? '';
  return {
    service: said('service'),
    from: said('from') === '' ? undefined : said('from'),
    objective: said('objective') === '' ? undefined : said('objective'),
    owner: said('owner'),
    qps: rules.qps.check(said('qps')),
    costUsd: rules.cost.check(said('cost')),
  };
}

function rulesOf(
  io: CliIo,
  given: GivenAnswers,
  { path, integrations }: { readonly path: readonly string[]; readonly integrations: string },
) {
  return {
    service: {
      message: 'Short name of the service:',
      check: (text) => checkNewService(integrations, text),
    },
    from: {
      message: 'Path of its OpenAPI 3 document (Enter: there is none):',
      usual: '',
      check: async (text) =>
        text === '' && given.from === undefined
          ? undefined
          : proposalFromOpenApi('service', await documentText(io, text), text),
    },
    objective: {
      message: 'Objective: using …, … must … so that … (Enter: written later):',
      usual: '',
      check: () => undefined,
    },
    owner: { message: 'Who closes its gaps:', usual: currentUser(), check: () => undefined },
    qps: {
      message: 'Requests a second it may be sent:',
      usual: '5',
      check: (text: string) => parseWhole(text, 'qps', { min: 1, max: 250 }, path),
    },
    cost: {
      message: 'Price of a job in dollars:',
      usual: '0.01',
      check: (text: string) => {
        if (/^\d+(\.\d{1,6})?$/.test(text)) return Number(text);
        throw badUsage(`--cost must be dollars such as 0.01 (got ${JSON.stringify(text)}).`, path);
      },
    },
  } as const satisfies Record<keyof GivenAnswers, AnswerRule>;
}

/** The text of a document. @throws PlaybookError FILE_NOT_FOUND */
export async function documentText(io: CliIo, path: string): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, path), 'utf8');
  } catch (cause) {
    throw new PlaybookError(
      'FILE_NOT_FOUND',
      `${path} cannot be read. --from takes the path of an OpenAPI 3 document.`,
      { cause },
    );
  }
}
