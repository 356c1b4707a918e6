import { expect, it } from '@jest/globals';
import pino from 'pino';
import { createClockWatches } from '../../src/cli/compose/clock-watches.ts';
import type { ConfiguredService } from '../../src/cli/compose/service-configs.ts';

const NOW_MS = Date.UTC(2026, 10, 1);

function service(name: string, fallback?: ConfiguredService): ConfiguredService {
  const configured = { integration: { service: name }, config: { webhook: { tolerance_s: 300 } }, fallback };
  return configured as unknown as ConfiguredService;
}

it('the time webhooks were signed says that a service’s clock is ahead, and warns', () => {
  const warnings: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => warnings.push((JSON.parse(line) as { msg: string }).msg) });
  const clocks = createClockWatches([service('one'), service('two', service('two'))], logger);
  clocks.onClockSample('one', NOW_MS - 2_000, NOW_MS);
  expect(warnings).toEqual([]);
  clocks.onClockSample('one', NOW_MS + 130_000, NOW_MS + 10);
  clocks.onClockSample('nobody', NOW_MS, NOW_MS);
  const { offsetMs = 0, uncertaintyMs = 0 } = clocks.of('one')?.current() ?? {};
  expect(offsetMs - uncertaintyMs).toBeCloseTo(129_990, -1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/clock/);
});

it('where a fallback sends webhooks, too, they tell nothing of a clock', () => {
  const clocks = createClockWatches([service('two', service('two'))], pino({ level: 'silent' }));
  clocks.onClockSample('two', NOW_MS, NOW_MS);
  expect(clocks.of('two')).toBeUndefined();
});
