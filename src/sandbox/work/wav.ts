/** What there is to say of a recording. */
export interface WavFacts {
  readonly durationMs: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** The loudest sample, in dB below full scale; null for silence. */
  readonly peakDb: number | null;
  /** The root mean square of all samples, in dB below full scale; null for silence. */
  readonly rmsDb: number | null;
  /** The loudest sample of each of as many equal parts, from 0 to 1. */
  readonly waveform: readonly number[];
}

type Measured =
  | { readonly ok: true; readonly facts: WavFacts & Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly code: string; readonly message: string };

const WAVEFORM_PARTS = 32;
const PCM = 1;
const EXTENSIBLE = 0xfffe;
/** 16 bits, signed: full scale. */
const FULL_SCALE = 32_768;

const refuse = (code: string, message: string): Measured => ({ ok: false, code, message });
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
const decibels = (level: number): number | null => (level === 0 ? null : round(20 * Math.log10(level), 2));

/** The chunks of a RIFF file, by name; one that is cut off is not among them. */
function chunksOf(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const chunks = new Map<string, Buffer>();
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = bytes.readUInt32LE(at + 4);
    if (at + 8 + size > bytes.length) break;
    chunks.set(bytes.toString('latin1', at, at + 4), bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size + (size % 2);
  }
  return chunks;
}

/** Measures a WAV file of 16-bit PCM samples, by the WAVE format of RIFF. */
export function measureWav(content: Uint8Array): Measured {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length === 0) return refuse('EMPTY_FILE', 'The file is empty.');
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    return refuse('NOT_WAV', 'The file does not start like a WAV file.');
  }
  const chunks = chunksOf(bytes);
  const format = chunks.get('fmt ');
  const data = chunks.get('data');
  if (format === undefined || format.length < 16 || data === undefined) {
    return refuse('CUT_OFF', 'The file is cut off: its samples are not all there.');
  }
  const [encoding, channels] = [format.readUInt16LE(0), format.readUInt16LE(2)];
  const [sampleRate, bits] = [format.readUInt32LE(4), format.readUInt16LE(14)];
  if ((encoding !== PCM && encoding !== EXTENSIBLE) || bits !== 16 || channels === 0 || sampleRate === 0) {
    return refuse('UNSUPPORTED_ENCODING', 'Only 16-bit PCM is measured.');
  }
  return { ok: true, facts: { ...measure(data, channels, sampleRate) } };
}

function measure(data: Buffer, channels: number, sampleRate: number): WavFacts {
  const samples = Math.floor(data.length / 2);
  const waveform = Array.from({ length: WAVEFORM_PARTS }, () => 0);
  let [peak, squares] = [0, 0];
  for (let index = 0; index < samples; index += 1) {
    const level = Math.abs(data.readInt16LE(index * 2)) / FULL_SCALE;
    peak = Math.max(peak, level);
    squares += level * level;
    const part = Math.floor((index * WAVEFORM_PARTS) / samples);
    waveform[part] = Math.max(waveform[part] ?? 0, level);
  }
  return {
    durationMs: Math.round((samples / channels / sampleRate) * 1_000),
    sampleRate,
    channels,
    peakDb: decibels(peak),
    rmsDb: decibels(samples === 0 ? 0 : Math.sqrt(squares / samples)),
    waveform: waveform.map((level) => round(level, 3)),
  };
}
