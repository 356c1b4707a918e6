import { describe, expect, it } from '@jest/globals';
import { wantsTraces } from '../../src/tracing/enabled.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

describe('traces', () => {
  it.each([
    ['off without any setting', {}, false],
    ['on with a collector', ENDPOINT, true],
    ['on with a collector for traces alone', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318' }, true],
    ['on with the exporter, which then has its usual collector', { OTEL_TRACES_EXPORTER: 'otlp' }, true],
    ['off where the exporter is none', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }, false],
    ['off where the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }, false],
    ['on with JSON over HTTP', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, true],
  ])('are %s', (_, env, expected) => expect(wantsTraces(env)).toBe(expected));

  it.each([
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER must be otlp or none (got zipkin).'],
    [
      { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, which every collector takes at its HTTP port (got grpc).',
    ],
  ])('say what cannot be had: %j', (env, message) => expect(() => wantsTraces(env)).toThrow(message));
});
