import { describe, expect, it } from '@jest/globals';
import { createAdmissionActivities, type Services } from '../../src/activities/index.ts';
import { INITIAL_CONTROL, type ControlState } from '../../src/contracts/control.ts';
import { PlaybookError } from '../../src/contracts/errors.ts';
import type { JobRequest } from '../../src/contracts/jobs.ts';
import { scriptedService } from '../helpers/scripted.ts';

const { runtime } = scriptedService({ service: 'admitted' });
const JOB: JobRequest = { service: 'admitted', key: 'k', generation: 1, unit: 'u', input: {}, fingerprint: 'f' };
const ON: ControlState = { ...INITIAL_CONTROL, enabled: true, revision: 1 };

/** Admission with a control state that a cache knows as `cached` and the server as `fresh`. */
function admission(cached: ControlState, fresh: ControlState, options: { fallback?: boolean } = {}) {
  const services: Services = {
    get: (service) => {
      if (service !== 'admitted') throw new PlaybookError('UNKNOWN_SERVICE', `no ${service}`);
      return runtime;
    },
    has: (_service, route) => route === 'live' || (options.fallback ?? false),
  };
  return createAdmissionActivities({
    services,
    readControl: async (_service, maxAgeMs) => (maxAgeMs === undefined ? cached : fresh),
  });
}

describe('admission', () => {
  it('admits by what was read a moment ago', async () => {
    expect(await admission(ON, INITIAL_CONTROL).admit(JOB)).toMatchObject({
      admitted: true,
      route: 'live',
      revision: 1,
    });
  });

  it('turns nobody away by what was read before the integration was enabled', async () => {
    expect(await admission(INITIAL_CONTROL, ON).admit(JOB)).toMatchObject({
      admitted: true,
      route: 'live',
      revision: 1,
    });
    const withFallback = admission(INITIAL_CONTROL, ON, { fallback: true });
    expect(await withFallback.admit(JOB)).toMatchObject({ route: 'live' });
  });

  it('turns away, or to the fallback, what is not enabled now either', async () => {
    const off = admission(INITIAL_CONTROL, INITIAL_CONTROL);
    expect(await off.admit(JOB)).toMatchObject({ admitted: false, code: 'INTEGRATION_DISABLED', revision: 0 });
    const withFallback = admission(INITIAL_CONTROL, INITIAL_CONTROL, { fallback: true });
    expect(await withFallback.admit(JOB)).toMatchObject({ admitted: true, route: 'fallback' });
  });

  it('says which stage admitted', async () => {
    const staged = { ...ON, stage: 'r1:10 %' };
    expect(await admission(staged, staged).admit(JOB)).toMatchObject({ stage: 'r1:10 %' });
  });

  it('fails a job of a service this worker does not have, and asks again what it could not find out', async () => {
    expect(await admission(ON, ON).admit({ ...JOB, service: 'other' })).toMatchObject({ code: 'UNKNOWN_SERVICE' });
    const away = createAdmissionActivities({
      services: { get: () => runtime, has: () => false },
      readControl: async () => {
        throw new PlaybookError('TEMPORAL_UNREACHABLE', 'away');
      },
    });
    await expect(away.admit(JOB)).rejects.toMatchObject({ code: 'TEMPORAL_UNREACHABLE' });
  });
});
