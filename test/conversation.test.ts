/** Recorded conversations with real nodes, cut in every way, give the same events. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nightly } from './support/nightly.js';
import { type Conversation, eventsOf } from './support/replay-conversation.js';

const conversations = JSON.parse(readFileSync('test/data/conversations.json', 'utf8')) as Conversation[];

/** `bytes`, cut before each of the given offsets. */
function cut(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const edges = [0, ...offsets, bytes.length];
  return edges.slice(1).map((edge, i) => bytes.subarray(edges[i], edge));
}

/** In the nightly run, the conversations are cut at every byte. */
const STRIDE = nightly(1, 5);

describe.each(conversations)('$name', (conversation) => {
  const bytes = Uint8Array.from(Buffer.from(conversation.received, 'hex'));

  test('reaches established without a dropped message', async () => {
    const events = await eventsOf(conversation, [bytes]);
    expect(events.at(-1)).toContain('"state":"established"');
    expect(events.join()).not.toContain('wire.dropped');
    expect(events.length).toBeGreaterThan(5);
  });

  test(`gives the same events when cut in two, at every byte or every fifth (${STRIDE})`, async () => {
    const whole = (await eventsOf(conversation, [bytes])).join('\n');
    const different: number[] = [];
    for (let at = 1; at < bytes.length; at += STRIDE) {
      if ((await eventsOf(conversation, cut(bytes, [at]))).join('\n') !== whole) different.push(at);
    }
    expect(different).toEqual([]);
  });

  test('gives the same events in any pieces', async () => {
    const whole = await eventsOf(conversation, [bytes]);
    const offsets = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(offsets, async (at) => {
        expect(
          await eventsOf(
            conversation,
            cut(
              bytes,
              at.sort((a, b) => a - b),
            ),
          ),
        ).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });
});
