/** A node that accepts peers, and what it reports of them. */
import { once } from 'node:events';
import { createNode } from 'verack';

const node = createNode({ chain: 'regtest', v2transport: true });
node.on('transition', ({ inbound, from, to }) => inbound && console.log(from, '→', to));
node.on('established', ({ subver, transport_protocol_type }) => console.log(subver, transport_protocol_type));
node.on('refused', ({ addr, reason }) => console.log(addr, reason.code));
node.on('ended', ({ lastreason }) => console.log('ended:', lastreason?.code));
const { local } = await node.listen({ host: '127.0.0.1', port: 0 });

// A second node, in place of a peer somewhere else.
const other = createNode({ chain: 'regtest', v2transport: true });
other.dial(local);
await once(node, 'established');
await other.stop();
await node.stop();

// Prints:
// connecting → awaitingVersion
// awaitingVersion → versionReceived
// versionReceived → established
// /verack:0.1.0/ v2
// established → closed
// ended: ERR_LOCAL_CANCELLED
