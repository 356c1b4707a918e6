import type { IntegrationSamples } from '../../../src/definition/index.ts';

export const samples: IntegrationSamples = {
  valid: (nth) => ({ file: `letter-${nth}.txt`, content: `Letter number ${nth}` }),
  failing: { file: 'empty.pdf', content: '', code: 'EMPTY_FILE' },
};
