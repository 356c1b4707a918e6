import { isTerminal, JOB_STATES } from '../contracts/states.ts';
import type { JobState } from '../contracts/states.ts';
import type { Integration } from '../definition/index.ts';
import { JOB_EVENTS, TRANSITIONS } from '../rules/state-machine.ts';
import type { JobEvent } from '../rules/state-machine.ts';
import { inFolder } from './generator.ts';
import type { Generator } from './generator.ts';
import { label, mermaid } from './markdown.ts';

/** The state machine with this service's words, and what each of its words means to us. */
export const diagram: Generator = {
  name: 'diagram',
  summary: 'state diagrams in diagrams/state-and-sequence.md, from the state machine and the definition’s words',
  generate: ({ integration }) => {
    const path = inFolder(integration.service, 'diagrams/state-and-sequence.md');
    return [
      { kind: 'part', path, part: 'states', text: mermaid(stateDiagram(integration)) },
      { kind: 'part', path, part: 'words', text: mermaid(wordDiagram(integration)) },
    ];
  },
};

function stateDiagram(integration: Integration): string[] {
  const arrows = JOB_STATES.filter((from) => !isTerminal(from)).flatMap((from) =>
    JOB_STATES.filter((to) => to !== from).flatMap((to) => {
      const events = JOB_EVENTS.filter((event) => TRANSITIONS[from][event] === to);
      if (events.length === 0) return [];
      const reasons = events.flatMap((event) => reasonOf(integration, from, event));
      return [`    ${from} --> ${to}: ${label(reasons.join(', '))}`];
    }),
  );
  const ends = JOB_STATES.filter(isTerminal).map((state) => `    ${state} --> [*]`);
  return ['stateDiagram-v2', '    [*] --> CREATED', ...arrows, ...ends];
}

function reasonOf({ service, states }: Integration, from: JobState, event: JobEvent): readonly string[] {
  switch (event) {
    case 'accepted':
      return [`${service} accepted it`];
    case 'gave-up':
      return [from === 'CREATED' ? 'refused, out of attempts or time' : 'contract broken, out of time'];
    case 'withdrawn':
      return [from === 'CREATED' ? 'canceled before it was sent' : 'canceled here'];
    case 'hinted':
      return [];
    default: {
      const words = Object.keys(states).filter((word) => `observed-${states[word]}` === event);
      if (words.length === 0) return [];
      return [from === 'CREATED' ? `found there as ${words.join(' or ')}` : `${service} says ${words.join(' or ')}`];
    }
  }
}

function wordDiagram({ service, states }: Integration): string[] {
  const arrows = Object.entries(states).map(([word, state]) => `    ${service}_${wordId(word)} --> ${state}`);
  return ['flowchart LR', ...arrows];
}

function wordId(word: string): string {
  return word.replaceAll(/[^\w-]/g, '_');
}
