/**
 * Checks that both ends of a connection agree on the transport and, on v2, the session id, which no other connection has.
 *
 * Each end reports twice, when it is established and when it has ended. An established end has read what the other
 * side sent, so the other side must have the same transport, whether it reaches `established` or not.
 */
import type { PeerInfo } from '../../src/index.js';

interface Report {
  readonly transport: string;
  readonly established: boolean;
}

export class Agreement {
  /** The latest report of each path. */
  readonly #reports = new Map<string, Report>();
  /** Which path a session id belongs to. */
  readonly #sessions = new Map<string, string>();

  /** The contradiction, empty when there is none. */
  report(info: PeerInfo): string {
    if (info.addrbind === '') return '';
    const path = [info.addr, info.addrbind].sort().join(' ');
    return this.#compare(path, reportOf(info)) || this.#claim(path, info.session_id);
  }

  #compare(path: string, now: Report): string {
    const before = this.#reports.get(path);
    const established = now.established || (before?.established ?? false);
    this.#reports.set(path, { ...now, established });
    if (!before || !established || before.transport === now.transport) return '';
    return `one end has ${before.transport}, the other ${now.transport}`;
  }

  #claim(path: string, session_id: string): string {
    if (session_id === '') return '';
    const owner = this.#sessions.get(session_id) ?? path;
    this.#sessions.set(session_id, owner);
    return owner === path ? '' : `the session id of ${owner} again on ${path}`;
  }
}

const reportOf = ({ transport_protocol_type, session_id, phases }: PeerInfo): Report => ({
  transport: `${transport_protocol_type} ${session_id}`.trim(),
  established: phases.verack !== undefined,
});
