/** Loaded into the program under attack (`node --import`): at SIGUSR2 it writes the delays of its event loop since the last time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

/** Milliseconds between two measurements; a delay is what a timer is late beyond that. */
const RESOLUTION = 10;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION });
delays.enable();

const ms = (nanoseconds) => Math.max(0, Math.round(nanoseconds / 1e6) - RESOLUTION);

process.on('SIGUSR2', () => {
  const report = { p50: ms(delays.percentile(50)), p99: ms(delays.percentile(99)), max: ms(delays.max) };
  process.stderr.write(`delays ${JSON.stringify(report)}\n`);
  delays.reset();
});
