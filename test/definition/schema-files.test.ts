import { expect, describe, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { schemaFiles } from '../../src/definition/index.ts';
import { sample } from './sample-integration.ts';

describe('schemaFiles', () => {
  it('names one file for each schema, by the pinned version', () => {
    expect(Object.keys(schemaFiles(sample)).toSorted()).toEqual([
      'job-accepted-v3.4.2.json',
      'job-request-v3.4.2.json',
      'job-response-v3.4.2.json',
      'lookup-v3.4.2.json',
      'result-v3.4.2.json',
      'webhook-v3.4.2.json',
    ]);
  });

  it('makes JSON Schemas that agree with zod', () => {
    const files = schemaFiles(sample);
    const ajv = new Ajv2020();
    const request = ajv.compile(files['job-request-v3.4.2.json'] ?? {});
    expect(request({ document: 'a', pages: 1 })).toBe(true);
    expect(request({ document: 'a', typo: 1 })).toBe(false);
    const response = ajv.compile(files['job-response-v3.4.2.json'] ?? {});
    expect(response({ id: 'a', status: 'x', unknownExtra: 1 })).toBe(true);
    expect(response({ id: 'a' })).toBe(false);
    expect(files['job-response-v3.4.2.json']).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'sample job-response v3.4.2',
    });
  });

  it('describes what is sent, before transforms', () => {
    const schema = z.object({ at: z.string().transform(Number), when: z.date() });
    const files = schemaFiles({ ...sample, status: { ...sample.status, response: schema } });
    expect(files['job-response-v3.4.2.json']).toMatchObject({ properties: { at: { type: 'string' }, when: {} } });
  });
});
