/** Bytes to messages: the v1 framer and the codec. */
import { NETWORKS } from 'verack';
import { createV1Framer, decodeMessage, encodeFrame, encodeMessage } from 'verack/wire';

const { magic } = NETWORKS.main;
const ping = encodeMessage({ command: 'ping', nonce: '0123456789abcdef' });
const frame = encodeFrame(magic, 'ping', ping);

const framer = createV1Framer(magic);
// Bytes arrive in any pieces; the frames are the same.
for (const chunk of [frame.subarray(0, 7), frame.subarray(7)]) {
  for (const event of framer.feed(chunk)) {
    if (event.kind === 'frame') console.log(decodeMessage(event.command, event.payload));
  }
}

// Prints:
// {
//   ok: true,
//   message: { command: 'ping', nonce: '0123456789abcdef' },
//   trailing: Uint8Array(0) []
// }
