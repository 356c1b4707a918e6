import { describe, expect, it } from '@jest/globals';
import { metricsAddress } from '../../src/cli/compose/metrics-address.ts';
import { testIo } from './helpers/test-io.ts';

const address = (given: string | undefined, asked?: string) =>
  metricsAddress(testIo({ env: { PLAYBOOK_METRICS_ADDRESS: asked } }), given, ['worker']);

describe('where metrics are served', () => {
  it.each([
    ['nowhere unless asked', undefined, undefined, undefined],
    ['nowhere where the environment is empty', undefined, '', undefined],
    ['at this machine for a port alone', '9464', undefined, '127.0.0.1:9464'],
    ['at an IPv4 address for localhost', 'localhost:9464', undefined, '127.0.0.1:9464'],
    ['at a host', '0.0.0.0:9464', undefined, '0.0.0.0:9464'],
    ['at an IPv6 address', '[::1]:9464', undefined, '[::1]:9464'],
    ['where the environment says', undefined, '9465', '127.0.0.1:9465'],
    ['where the flag says, whatever the environment', '9464', '9465', '127.0.0.1:9464'],
  ])('is %s', (_name, given, asked, expected) => {
    expect(address(given, asked)).toBe(expected);
  });

  it.each([
    ['0', undefined, '--metrics must be a port or host:port (got "0").'],
    ['65536', undefined, '--metrics must be a port or host:port (got "65536").'],
    ['a b:80', undefined, '--metrics must be a port or host:port (got "a b:80").'],
    [undefined, 'host:', 'PLAYBOOK_METRICS_ADDRESS must be a port or host:port (got "host:").'],
  ])('cannot be %j or %j', (given, asked, message) => {
    expect(() => address(given, asked)).toThrow(
      expect.objectContaining({ code: 'BAD_USAGE', message: `${message} See \`playbook worker --help\`.` }),
    );
  });
});
