/** A network in one process: links in memory, a virtual clock. A day takes a moment, and the same every time. */
import { createNode, memoryNet, VirtualClock } from 'verack';

const clock = new VirtualClock();
const net = memoryNet({ timers: clock, latency: 40 });
const nodeAt = (host: string) => createNode({ chain: 'regtest', clock, net: net.at(host) });

const [server, client] = [nodeAt('10.0.0.1'), nodeAt('10.0.0.2')];
client.on('transition', ({ from, to, at }) => console.log(at, from, '→', to));
await server.listen({ host: '10.0.0.1', port: 18444 });
client.dial('10.0.0.1:18444');

clock.advance(1_000);
const before = client.peers.list()[0];
clock.advance(24 * 60 * 60 * 1_000);
const after = client.peers.list()[0];
console.log(before?.state, before?.bytessent, 'bytes, a day later', after?.state, after?.bytessent, 'bytes');

const stopped = Promise.all([client.stop(), server.stop()]);
clock.advance(60_000);
await stopped;

// Prints:
// 81 connecting → versionSent
// 161 versionSent → versionReceived
// 161 versionReceived → established
// established 317 bytes, a day later established 46013 bytes
// 86401001 established → closed
