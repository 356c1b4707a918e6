import { describe, expect, it } from '@jest/globals';
import { curlNotes } from '../../src/proof/curl.ts';
import type { HarEntry } from '../../src/proof/har.ts';
import type { Manifest } from '../../src/proof/manifest.ts';
import { entry, harOf } from './support.ts';

function notesOf(auth: string, entries: readonly HarEntry[]): string {
  const manifest = {
    service: 'sample',
    contractVersion: '1.0.0',
    recordedAt: '2026-11-25T12:00:00.000Z',
    environment: 'staging',
    config: { service: { base_url: 'https://api/base' }, auth: { type: auth } },
  } as unknown as Manifest;
  return curlNotes({ name: 'a', manifest, har: harOf(entries) });
}
const REDACTED = '[redacted]';
const withHeader = (name: string): HarEntry =>
  entry('submit', 'POST', 'https://api/base/jobs?key=%5Bredacted%5D', {
    headers: [
      { name, value: REDACTED },
      { name: 'user-agent', value: 'left out' },
    ],
    postData: { mimeType: 'application/json', text: '{"price":"$5","who":"[redacted: pii]","quote":"\\"`"}' },
  });

describe('curlNotes', () => {
  it.each([
    ['oauth_client_credentials', 'authorization', '-H "authorization: Bearer $TOKEN"'],
    ['basic', 'authorization', '-u "$CLIENT_ID:$CLIENT_SECRET"'],
    ['api_key', 'X-Sample-Key', '-H "X-Sample-Key: $X_SAMPLE_KEY"'],
  ])('has for %s what authenticates it as a variable', (auth, name, shown) => {
    const notes = notesOf(auth, [withHeader(name)]);
    expect(notes).toContain(
      `curl -s -X POST "$BASE/base/jobs?key=$REDACTED" ${shown} -d "{\\"price\\":\\"\\$5\\",\\"who\\":\\"$REDACTED\\",\\"quote\\":\\"\\\\\\"\\\`\\"}"`,
    );
    expect(notes).not.toContain('FILE=');
    expect(notes).toContain('200:\n\nNo text.\n');
  });

  it('shows texts as they are, and those of other hosts by their address', () => {
    const answered = entry('fetch', 'GET', 'https://files/a');
    const content = { size: 5, mimeType: 'text/plain', text: `hello${'o'.repeat(300)}` };
    const notes = notesOf('none', [{ ...answered, response: { ...answered.response, content } }]);
    expect(notes).toContain('curl -s -X GET "https://files/a"');
    expect(notes).toMatch(/```text\nhello{1}o{195}\n```/);
  });
});
