/**
 * What both ends of a connection must agree on: its transport and, on v2, its session id, which no other connection has.
 *
 * Each end tells twice, when it is established and when it is over. An end that is established has read what the other
 * side sent, so the other side must have come to the same transport, whether it gets to `established` or not.
 */
import type { PeerInfo } from '../../src/index.js';

interface Said {
  readonly transport: string;
  readonly established: boolean;
}

export class Accord {
  /** By path; what the ends of one path said last. */
  readonly #said = new Map<string, Said>();
  /** Which path a session id belongs to. */
  readonly #sessions = new Map<string, string>();

  /** What is wrong with it, empty when nothing is. */
  hear(info: PeerInfo): string {
    if (info.addrbind === '') return '';
    const path = [info.addr, info.addrbind].sort().join(' ');
    return this.#compare(path, saidBy(info)) || this.#claim(path, info.session_id);
  }

  #compare(path: string, now: Said): string {
    const before = this.#said.get(path);
    const established = now.established || (before?.established ?? false);
    this.#said.set(path, { ...now, established });
    if (!before || !established || before.transport === now.transport) return '';
    return `one end says ${before.transport}, the other ${now.transport}`;
  }

  #claim(path: string, session_id: string): string {
    if (session_id === '') return '';
    const owner = this.#sessions.get(session_id) ?? path;
    this.#sessions.set(session_id, owner);
    return owner === path ? '' : `the session id of ${owner} again on ${path}`;
  }
}

const saidBy = ({ transport_protocol_type, session_id, phases }: PeerInfo): Said => ({
  transport: `${transport_protocol_type} ${session_id}`.trim(),
  established: phases.verack !== undefined,
});
