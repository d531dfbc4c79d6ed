/**
 * Defines the series, named by the conventions of Prometheus: prefix `verack_`, base units, `_total` for counters. Each label
 * has a closed set of values (states, reason codes, commands of the message table and `other`). No label contains text from
 * a peer, so a peer cannot increase the number of series.
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Seconds, up to the time limit of the handshake, 60. */
const HANDSHAKE_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from a peer on the same machine to a slow path over Tor. */
const PING_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from delays without effect to delays that distort ping times. */
const LAG_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Adds every series to the registry; throws when a name exists already. `collect` runs before each scrape. */
export function seriesIn(registry: Registry, collect: () => void) {
  const registers = [registry];
  // Registered first, because its `collect` sets the values of the series after it.
  const peers = new Gauge({
    name: 'verack_peers',
    help: 'Live connections. States of the peer machine; transport as in getpeerinfo.',
    labelNames: ['state', 'direction', 'network', 'transport'] as const,
    registers,
    collect,
  });
  return {
    peers,
    ...connectionSeries(registers),
    ...trafficSeries(registers),
    ...limitSeries(registers),
    ...dropSeries(registers),
    ...processSeries(registers),
  };
}

/** The series of one node. */
export type Series = ReturnType<typeof seriesIn>;

const connectionSeries = (registers: Registry[]) => ({
  dials: new Gauge({
    name: 'verack_dials_in_flight',
    help: 'Outbound connections that are being opened.',
    registers,
  }),
  handshakes: new Counter({
    name: 'verack_handshakes_total',
    help: 'Connections by the outcome of their handshake: ok, or the reason code.',
    labelNames: ['outcome', 'network', 'transport'] as const,
    registers,
  }),
  durations: new Histogram({
    name: 'verack_handshake_duration_seconds',
    help: 'Phases of handshakes: connect (outbound only), version (until the version of the peer), verack (from then until its verack).',
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
    help: 'Round-trip times of pings.',
    buckets: PING_BUCKETS,
    registers,
  }),
});

const trafficSeries = (registers: Registry[]) => ({
  messages: new Counter({
    name: 'verack_messages_total',
    help: 'Complete messages; commands that are not in the message table are other.',
    labelNames: ['command', 'direction'] as const,
    registers,
  }),
  bytes: new Counter({
    name: 'verack_message_bytes_total',
    help: 'Bytes of messages with their headers, as bytessent_per_msg and bytesrecv_per_msg of getpeerinfo; dropped messages are other.',
    labelNames: ['command', 'direction'] as const,
    registers,
  }),
});

const limitSeries = (registers: Registry[]) => ({
  slots: new Gauge({
    name: 'verack_slots',
    help: 'Slots for connections.',
    labelNames: ['direction'] as const,
    registers,
  }),
  slotsUsed: new Gauge({
    name: 'verack_slots_used',
    help: 'Slots in use.',
    labelNames: ['direction'] as const,
    registers,
  }),
  refused: new Counter({
    name: 'verack_refused_total',
    help: 'Accepted connections that were closed before the first byte, by reason code.',
    labelNames: ['reason', 'network'] as const,
    registers,
  }),
  refusedSources: new Gauge({
    name: 'verack_refused_sources',
    help: 'Sources (IPv4 /24, IPv6 /64) with a refused connection, since the start; the count starts again at 4,096.',
    registers,
  }),
  refusedMost: new Gauge({
    name: 'verack_refused_most_of_one_source',
    help: 'Refused connections of the source with most of them.',
    registers,
  }),
});

const dropSeries = (registers: Registry[]) => ({
  dropped: new Counter({
    name: 'verack_messages_dropped_total',
    help: 'Received messages that were dropped while the connection stayed open, by reason code.',
    labelNames: ['code'] as const,
    registers,
  }),
  buffered: new Gauge({
    name: 'verack_buffered_bytes',
    help: 'Bytes in unfinished frames and send queues.',
    registers,
  }),
  linesDropped: new Counter({
    name: 'verack_log_lines_dropped_total',
    help: 'Log lines that could not be written.',
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
    help: 'Delay of a timer of this process, measured twice a second.',
    buckets: LAG_BUCKETS,
    registers,
  }),
});
