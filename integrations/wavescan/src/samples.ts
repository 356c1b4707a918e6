import type { IntegrationSamples } from '../../../src/definition/index.ts';

/** A tone of a tenth of a second: 16-bit PCM, mono, 8 kHz, the louder the higher `nth`. */
export function tone(nth: number): Uint8Array {
  const samples = 800;
  const bytes = Buffer.alloc(44 + samples * 2);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(36 + samples * 2, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  for (const [at, value] of [
    [20, 1],
    [22, 1],
    [32, 2],
    [34, 16],
  ] as const)
    bytes.writeUInt16LE(value, at);
  bytes.writeUInt32LE(8_000, 24);
  bytes.writeUInt32LE(16_000, 28);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(samples * 2, 40);
  const amplitude = 1_000 + (nth % 30_000);
  for (let index = 0; index < samples; index += 1) {
    bytes.writeInt16LE(Math.round(amplitude * Math.sin((2 * Math.PI * 440 * index) / 8_000)), 44 + index * 2);
  }
  return bytes;
}

export const samples: IntegrationSamples = {
  valid: (nth) => ({ file: `tone-${nth}.wav`, content: tone(nth) }),
  failing: { file: 'no-sound.wav', content: 'only its name says WAV', code: 'NOT_WAV' },
};
