/**
 * The record of a contact in a snapshot: the fields that views and estimates read. To save memory, equal parts are one shared
 * object and equal texts one string: most contacts fail in the same few ways.
 */
import type { ContactPeer } from './contact.js';
import type { AttemptEvent } from './events.js';

/** The durations of a contact's phases, milliseconds; undefined for a phase that was not completed. */
export interface RecordedPhases {
  readonly connect?: number | undefined;
  readonly version?: number | undefined;
  readonly verack?: number | undefined;
}

type RecordedPeer = Omit<ContactPeer, 'negotiated' | 'bytesrecv'>;

/** Most shared texts and objects, so that nodes that always send new texts cannot fill the memory. */
const MAX_SHARED = 10_000;
const shared = new Map<string, unknown>();

function share<T>(key: string, make: () => T): T {
  const known = shared.get(key);
  if (known !== undefined) return known as T;
  const made = make();
  if (shared.size < MAX_SHARED) shared.set(key, made);
  return made;
}

const text = (value: string): string => share(value, () => value);

const NO_PHASES: RecordedPhases = {};

/** The fields are those of {@link AttemptEvent}. It is a class, so that all records have the same hidden class in V8. */
export class AttemptRecord {
  readonly t: number;
  readonly outcome: AttemptEvent['outcome'];
  readonly transport: AttemptEvent['transport'];
  readonly vantage: string;
  readonly gossip_services: string | undefined;
  readonly reason: Pick<AttemptEvent['reason'], 'code'>;
  readonly v2: AttemptEvent['v2'];
  readonly identified: string | undefined;
  readonly phases: RecordedPhases;
  readonly peer: RecordedPeer | undefined;

  constructor(event: AttemptEvent) {
    const { tried, succeeded } = event.v2;
    const { code } = event.reason;
    this.t = event.t;
    this.outcome = event.outcome;
    this.transport = event.transport;
    this.vantage = text(event.vantage);
    this.gossip_services = event.gossip_services === undefined ? undefined : text(event.gossip_services);
    this.reason = share(`reason ${code}`, () => ({ code }));
    this.v2 = share(`v2 ${tried} ${succeeded}`, () => ({ tried, succeeded }));
    this.identified = event.identified && text(event.identified.label);
    this.phases = recordedPhases(event.phases);
    this.peer = event.peer && recordedPeer(event.peer);
  }
}

const recordedPhases = ({ connect, version, verack }: AttemptEvent['phases']): RecordedPhases =>
  connect === undefined ? NO_PHASES : { connect, version, verack };

const recordedPeer = (peer: ContactPeer): RecordedPeer => ({
  version: peer.version,
  subver: text(peer.subver),
  services: text(peer.services),
  startingheight: peer.startingheight,
  relaytxes: peer.relaytxes,
  timeoffset: peer.timeoffset,
});
