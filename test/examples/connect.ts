/** A dial that retries. Every failure is an event; `established` rejects when nothing more is dialled. */
import { createNode, VerackError } from 'verack';

const node = createNode({ chain: 'regtest', maxoutbound: 1 });
node.on('redial', ({ addr, delay, reason }) => console.log(addr, reason.code, `again in ${delay} ms`));
node.on('established', (peer) => console.log(peer.addr, peer.subver, peer.negotiated));

const peer = node.dial(process.env.PEER ?? '127.0.0.1:1', { persistent: true });
setTimeout(() => peer.close(), 500);
try {
  const { id } = await peer.established();
  node.send(id, { command: 'ping', nonce: '0123456789abcdef' }); // or any other message
  console.log((await peer.ended()).lastreason);
} catch (error) {
  if (!(error instanceof VerackError)) throw error;
  console.log(error.message);
}
await node.stop();

// Prints:
// 127.0.0.1:1 ERR_DIAL_REFUSED again in 987 ms
// ERR_DIAL_REFUSED: …
