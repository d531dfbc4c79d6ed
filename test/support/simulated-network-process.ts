/**
 * A child process that serves a simulated network over TCP: `node simulated-network-process.js '{"seed":1,"size":500,…}'`. Prints the
 * address of the first node when all listen; ends when its input closes.
 */
import { systemClock, tcpNet } from '../../src/index.js';
import { type PlanOptions, planNetwork, SimulatedNetwork } from './simulated-network.js';

const options = JSON.parse(process.argv[2] ?? '{}') as PlanOptions;
const plan = planNetwork(options);
const network = new SimulatedNetwork(plan, { net: tcpNet(), clock: systemClock, seed: options.seed });
await network.start();
console.log(plan[0]?.addr);
process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGTERM', () => process.exit(0));
process.on('SIGUSR2', () => console.log(JSON.stringify([...network.accepted])));
