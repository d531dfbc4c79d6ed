/**
 * Contacts nodes with a `BitcoinNode` in this process; each contact is an actor of the contact machine. The replies, bytes and time of a
 * contact are limited.
 */
import { type BitcoinNode, type Clock, createNode, type NodeOptions, systemClock } from '../index.js';
import type { ContactJob, ContactReport, Contacts } from './contact.js';
import { type ContactOwner, OpenContact } from './open-contact.js';
import { ReplyDelays } from './reply-delays.js';

export interface NodeContactsOptions extends NodeOptions {
  /** Most open contacts. */
  readonly parallel: number;
  /** Longest wait for addresses after the handshake, milliseconds. */
  readonly replyTimeout: number;
  /** Time limit of a contact, from the first dial on, milliseconds. */
  readonly contactTimeout: number;
  /** Name of the place from which contacts are made. */
  readonly vantage: string;
}

/** The node's limit of entries in one message, so large that no message ends the connection by itself. */
const MAX_ENTRIES = 1_000;

type ContactDone = (report: ContactReport | undefined) => void;

export class NodeContacts implements Contacts, ContactOwner {
  readonly node: BitcoinNode;
  readonly clock: Clock;
  readonly delays: ReplyDelays;
  readonly contactTimeout: number;
  readonly vantage: string;
  readonly #open = new Map<string, { readonly contact: OpenContact; readonly done: ContactDone }>();

  constructor(options: NodeContactsOptions) {
    const { parallel, replyTimeout, contactTimeout, vantage, ...node } = options;
    const { clock = systemClock, rules } = node;
    this.clock = clock;
    this.contactTimeout = contactTimeout;
    this.vantage = vantage;
    this.delays = new ReplyDelays(replyTimeout);
    this.node = createNode({
      ...node,
      maxoutbound: parallel,
      maxinbound: 0,
      // A crawl counts every node that completes a handshake, regardless of its services.
      rules: { ...rules, requiredServices: '0000000000000000', addrFetchEntries: MAX_ENTRIES },
    });
    this.#observe();
  }

  begin(job: ContactJob, done: ContactDone): void {
    const contact = new OpenContact(job, this);
    this.#open.set(job.addr, { contact, done });
    contact.begin();
  }

  cancel(): void {
    for (const { contact } of [...this.#open.values()]) contact.cancel();
  }

  async stop(): Promise<void> {
    this.cancel();
    await this.node.stop();
  }

  ended({ job }: OpenContact, report: ContactReport | undefined): void {
    const open = this.#open.get(job.addr);
    this.#open.delete(job.addr);
    open?.done(report);
  }

  #observe(): void {
    const contactAt = (addr: string): OpenContact | undefined => this.#open.get(addr)?.contact;
    this.node.on('established', (info) => contactAt(info.addr)?.established(info));
    this.node.on('message', ({ addr, direction, command, payload }) => {
      if (direction === 'received') contactAt(addr)?.received(command, payload);
    });
    this.node.on('pong', ({ addr, pingtime }) => contactAt(addr)?.ponged(pingtime * 1_000));
    this.node.on('ended', (info) => contactAt(info.addr)?.ended(info));
  }
}
