/**
 * The series, as Prometheus knows them: names with the prefix `verack_`, base units, `_total` on counters. Every label
 * has a closed set of values (states, reason codes, commands of the message table and `other`); none is ever a text of a
 * peer's, so no peer can make the number of series grow.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds: up to the handshake's limit of 60. */
const HANDSHAKE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from the same machine to a slow path over Tor; what never comes back ends the peer instead. */
const PING_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from what nobody feels to what makes a ping look slow. */
const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Makes every series in that registry; throws where one of the names is taken. `collect` runs before each scrape. */
export function seriesIn(registry: Registry, collect: () => void) {
  const registers = [registry];
  // First: what it collects, the series behind it show.
  const peers = new Gauge({
    name: 'verack_peers',
    help: 'Live connections. States of the peer machine; transport as in getpeerinfo.',
    labelNames: ['state', 'direction', 'network', 'transport'] as const,
    registers,
    collect,
  });
  return { peers, ...connectionSeries(registers), ...trafficSeries(registers), ...processSeries(registers) };
}

export type Series = ReturnType<typeof seriesIn>;

const connectionSeries = (registers: Registry[]) => ({
  dials: new Gauge({
    name: 'verack_dials_in_flight',
    help: 'Connections of ours over which no message can go yet.',
    registers,
  }),
  handshakes: new Counter({
    name: 'verack_handshakes_total',
    help: 'Connections by what came of their handshake: ok, or the code of the reason why there was none.',
    labelNames: ['outcome', 'network', 'transport'] as const,
    registers,
  }),
  durations: new Histogram({
    name: 'verack_handshake_duration_seconds',
    help: 'Phases of handshakes: connect (dialled ones only), version (from there to theirs), verack (from there to theirs).',
    labelNames: ['phase'] as const,
    buckets: HANDSHAKE_BUCKETS,
    registers,
  }),
  transitions: new Counter({
    name: 'verack_transitions_total',
    help: 'Changes of state of the peer machines.',
    labelNames: ['from', 'to'] as const,
    registers,
  }),
  pings: new Histogram({
    name: 'verack_ping_seconds',
    help: 'Round trips of our pings.',
    buckets: PING_BUCKETS,
    registers,
  }),
});

const trafficSeries = (registers: Registry[]) => ({
  messages: new Counter({
    name: 'verack_messages_total',
    help: 'Whole messages; commands outside the message table are other.',
    labelNames: ['command', 'direction'] as const,
    registers,
  }),
  bytes: new Counter({
    name: 'verack_message_bytes_total',
    help: 'Bytes of messages with their headers, as bytessent_per_msg and bytesrecv_per_msg of getpeerinfo; dropped ones are other.',
    labelNames: ['command', 'direction'] as const,
    registers,
  }),
});

const processSeries = (registers: Registry[]) => ({
  build: new Gauge({
    name: 'verack_build_info',
    help: 'Always 1; versions of this program, of XState and of Node.js.',
    labelNames: ['version', 'xstate', 'node'] as const,
    registers,
  }),
  lag: new Histogram({
    name: 'verack_eventloop_lag_seconds',
    help: 'How late a timer of this process was, looked at twice a second.',
    buckets: LAG_BUCKETS,
    registers,
  }),
});
