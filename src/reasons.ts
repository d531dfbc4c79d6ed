/**
 * The closed table of reason codes: why a connection ended or could not be made, and why a message was dropped.
 *
 * The row of a code has the place of the failure (`family`), its cause (`blame`), whether another attempt may succeed (`retry`),
 * the exit code of a one-shot command (`exit`), one sentence that says what happened (`says`), and one that says what the user
 * can do (`hint`). A `survivable` code never ends a connection: the message is dropped, counted and reported, and the
 * connection kept, as in Bitcoin Core.
 *
 * Inside the program a {@link Reason} is plain data; {@link VerackError} exists only at the library's edge.
 * Match on `code`: the sentences may change between releases, the codes do not.
 */

import { INBOUND_REASONS } from './inbound-reasons.js';
import { PROXY_REASONS } from './proxy-reasons.js';

/** The cause: the network, the peer (`remote`), a limit or rule of ours, the caller of the library, none of them, or this system (`us`). */
export type Blame = 'network' | 'remote' | 'policy' | 'caller' | 'none' | 'us';
/** Whether another attempt may succeed. */
export type Retry = 'later' | 'no';

/** The row of a reason code. */
export interface ReasonRow {
  readonly family:
    'dial' | 'link' | 'frame' | 'v2' | 'codec' | 'protocol' | 'policy' | 'time' | 'local' | 'end';
  readonly blame: Blame;
  /** `later`: a persistent dial tries again, with increasing delays; `no`: it is given up, unless its name has led to a node before. */
  readonly retry: Retry;
  /** Exit code of a one-shot command whose only target ended for this reason. */
  readonly exit: number;
  /** The code drops a message and keeps the connection. */
  readonly survivable?: true;
  /** What happened: a clause without a full stop. */
  readonly says: string;
  /** What the user can do: a sentence; empty when there is nothing to do. */
  readonly hint: string;
}

const rows = {
  ERR_DIAL_DNS: {
    family: 'dial',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'the name has no address',
    hint: 'Check the spelling and that this computer can resolve names.',
  },
  ERR_DIAL_REFUSED: {
    family: 'dial',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'nothing listens there',
    hint: 'Is the node running with "listen=1", on this port, and is the port forwarded?',
  },
  ERR_DIAL_UNREACHABLE: {
    family: 'dial',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'there is no route to that address',
    hint: 'Check the network of this computer; IPv6 addresses need IPv6 here.',
  },
  ERR_DIAL_ZONE: {
    family: 'dial',
    blame: 'caller',
    retry: 'later',
    exit: 4,
    says: 'a link-local address needs the zone of a network interface of this computer',
    hint: 'Write it with the name of the interface: fe80::1%eth0.',
  },
  ...PROXY_REASONS,
  ERR_LINK_RESET: {
    family: 'link',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'the connection was reset',
    hint: 'A firewall or a crash of the peer can cause this; try again later.',
  },
  ERR_LINK_EOF: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 4,
    says: 'the peer closed the connection',
    hint: 'Before the end of the handshake the cause is often: no free slot, a ban, another chain, or BIP324 v2 only.',
  },
  ERR_LINK_STALLED: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'the peer does not read what we send',
    hint: 'The peer or its network is overloaded; the facts give the number of waiting bytes.',
  },
  ERR_LINK_FLOOD: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    says: 'the peer sent too many useless messages',
    hint: 'These are messages that are dropped or come before verack, or pings; the facts give the kind.',
  },
  ERR_FRAME_MAGIC: {
    family: 'frame',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the first bytes are not of this network',
    hint: 'Choose the chain of the node: --chain main|test|testnet4|signet|regtest.',
  },
  ERR_FRAME_OVERSIZE: {
    family: 'frame',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a message header claims more than 4,000,000 bytes',
    hint: 'The peer is faulty or hostile.',
  },
  ERR_FRAME_CHECKSUM: {
    family: 'frame',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a message had a wrong checksum and was dropped',
    hint: 'Look for a faulty network path or a faulty encoder of the peer.',
  },
  ERR_FRAME_COMMAND: {
    family: 'frame',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a message had an invalid command name and was dropped',
    hint: 'A command is printable ASCII, padded with NUL to 12 bytes.',
  },
  ERR_V2_GARBAGE: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'no garbage terminator came within 4,111 bytes of the key',
    hint: 'The peer speaks neither v1 nor v2 of this network; choose the chain of the node.',
  },
  ERR_V2_AUTH: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'an encrypted packet was not authentic',
    hint: 'Bytes were changed in transit, or the peer encrypts incorrectly.',
  },
  ERR_V2_LENGTH: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'an encrypted packet claims more than 4,000,013 bytes',
    hint: 'The peer is faulty or hostile, or bytes were changed in transit.',
  },
  ERR_V2_UNSUPPORTED: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer sent a v1 header: it does not support v2',
    hint: 'It is dialled again as v1, unless --v2only forbids that.',
  },
  ERR_V2_OTHER_NETWORK: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer speaks v1 of another network',
    hint: 'Choose the chain of the node: --chain main|test|testnet4|signet|regtest.',
  },
  ERR_CODEC_SHORT: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload was shorter than its fields and was dropped',
    hint: 'The peer encodes this message incorrectly.',
  },
  ERR_CODEC_RANGE: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload contained a value outside its limits and was dropped',
    hint: 'The peer encodes this message incorrectly.',
  },
  ERR_CODEC_NONMINIMAL: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload contained a length that was not in its shortest form and was dropped',
    hint: 'CompactSize must use the fewest bytes.',
  },
  ERR_PROTO_LATE_FEATURE: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a negotiation message came after verack',
    hint: 'wtxidrelay, sendaddrv2 and feature belong between version and verack (BIP339, BIP155, BIP434).',
  },
  ERR_PROTO_NEGOTIATION: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a negotiation message violates its rules',
    hint: 'See BIP434 for feature and BIP152 for sendcmpct.',
  },
  ERR_PROTO_LIMIT: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a message contains more entries than the protocol allows',
    hint: 'The peer is faulty or hostile.',
  },
  ERR_PROTO_NOT_OFFERED: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer used a service that our version did not offer',
    hint: 'A peer should check services and relay in our version before it sends such a message.',
  },
  ERR_PROTO_SELF: {
    family: 'protocol',
    blame: 'none',
    retry: 'later',
    exit: 4,
    says: 'that address is this node itself',
    hint: 'Remove it from the list of hosts.',
  },
  ERR_POLICY_NETGROUP: {
    family: 'policy',
    blame: 'policy',
    retry: 'later',
    exit: 4,
    says: 'an outbound connection to the same network group exists',
    hint: 'Automatic connections use each IPv4 or IPv6 group once; name the host to connect anyway.',
  },
  ERR_POLICY_VERSION: {
    family: 'policy',
    blame: 'policy',
    retry: 'no',
    exit: 7,
    says: 'the peer speaks an obsolete protocol version',
    hint: 'Versions below 31800 are refused, as by Bitcoin Core.',
  },
  ERR_POLICY_SERVICES: {
    family: 'policy',
    blame: 'policy',
    retry: 'no',
    exit: 7,
    says: 'the peer does not offer the services we need',
    hint: 'Name the host to connect regardless of its services.',
  },
  ERR_POLICY_TRANSPORT: {
    family: 'policy',
    blame: 'policy',
    retry: 'no',
    exit: 7,
    says: 'the peer speaks v1, and only v2 is allowed',
    hint: 'Omit --v2only to allow v1 too.',
  },
  ...INBOUND_REASONS,
  ERR_POLICY_DUPLICATE: {
    family: 'policy',
    blame: 'policy',
    retry: 'no',
    exit: 7,
    says: 'we are already connected to that address, or dialling it',
    hint: 'One connection per address is enough.',
  },
  ERR_TIME_CONNECT: {
    family: 'time',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'no answer to the connection attempt in time',
    hint: 'A firewall may drop the packets; --timeout MS sets the limit.',
  },
  ERR_TIME_HANDSHAKE: {
    family: 'time',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'the handshake did not finish in time',
    hint: '--peertimeout S sets the limit; the facts give the missing message.',
  },
  ERR_TIME_PONG: {
    family: 'time',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'a ping was not answered in time',
    hint: 'The peer hangs or is unreachable.',
  },
  ERR_TIME_IDLE: {
    family: 'time',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'nothing was received, or nothing could be sent, for too long',
    hint: 'The peer hangs or is unreachable.',
  },
  ERR_LOCAL_ARGUMENT: {
    family: 'local',
    blame: 'caller',
    retry: 'no',
    exit: 2,
    says: 'an argument is invalid',
    hint: 'See --help.',
  },
  ERR_LOCAL_CANCELLED: {
    family: 'local',
    blame: 'caller',
    retry: 'no',
    exit: 130,
    says: 'it was closed on request',
    hint: '',
  },
  ERR_LOCAL_LIMIT: {
    family: 'local',
    blame: 'us',
    retry: 'later',
    exit: 4,
    says: 'the system refused: a limit or a permission',
    hint: 'Raise the limit of open files (ulimit -n), or choose a port from 1024 on.',
  },
  ERR_LOCAL_ADDRESS: {
    family: 'local',
    blame: 'us',
    retry: 'later',
    exit: 4,
    says: 'the port is in use, or this computer does not have the address',
    hint: 'Choose another port with --port (0 for any free one), or an address of this computer with --bind.',
  },
  ERR_LOCAL_BUG: {
    family: 'local',
    blame: 'us',
    retry: 'later',
    exit: 1,
    says: 'a fault in verack itself',
    hint: 'Please report it with the lines above.',
  },
  END_DONE: {
    family: 'end',
    blame: 'none',
    retry: 'no',
    exit: 0,
    says: 'the connection has served its purpose',
    hint: '',
  },
} as const satisfies Record<string, ReasonRow>;

/** A key of {@link REASONS}. */
export type ReasonCode = keyof typeof rows;
/** The table, by code. */
export const REASONS: Readonly<Record<ReasonCode, ReasonRow>> = rows;
/** All codes, in the order of the table. */
export const REASON_CODES = Object.keys(rows) as ReasonCode[];

/** Why a message was dropped; the connection continues. */
export type DropCode =
  'ERR_FRAME_CHECKSUM' | 'ERR_FRAME_COMMAND' | 'ERR_CODEC_SHORT' | 'ERR_CODEC_RANGE' | 'ERR_CODEC_NONMINIMAL';
/** Why a v1 byte stream cannot be parsed any further. */
export type BrokenCode = 'ERR_FRAME_MAGIC' | 'ERR_FRAME_OVERSIZE';
/** Why a v2 byte stream cannot be parsed any further. */
export type V2Code = 'ERR_V2_GARBAGE' | 'ERR_V2_AUTH' | 'ERR_V2_LENGTH' | 'ERR_V2_OTHER_NETWORK';
/** How the peer or the network can end an open link. */
export const LINK_CODES = ['ERR_LINK_RESET', 'ERR_LINK_EOF'] as const;
/** How the peer or the network ended a link. */
export type LinkCode = (typeof LINK_CODES)[number];
/** Whether the peer or the network ended a connection. */
export const isLinkCode = (code: ReasonCode): code is LinkCode => LINK_CODES.includes(code as LinkCode);
/** Why a link could not be opened. */
export type DialCode = Extract<ReasonCode, `ERR_DIAL_${string}`> | 'ERR_LOCAL_LIMIT';

/** The reason code for a system error code (`EADDRINUSE`, …) of a listener that could not be opened. */
export const listenCodeOf = (syscode: string): 'ERR_LOCAL_ADDRESS' | 'ERR_LOCAL_LIMIT' =>
  syscode === 'EADDRINUSE' || syscode === 'EADDRNOTAVAIL' ? 'ERR_LOCAL_ADDRESS' : 'ERR_LOCAL_LIMIT';

/** JSON-safe details of a reason, for example the state in which the connection ended, the exceeded limit, the missing message. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Why a connection ended, as data. */
export interface Reason {
  readonly code: ReasonCode;
  readonly facts: Facts;
}

/** Codes of a resolver that got no answer: they say nothing about the name. */
const NO_ANSWER = /TIMEOUT|AGAIN|REFUSED|SERVFAIL/;

/** Whether a name has no address because no DNS server answered. */
export const hasNoDnsAnswer = ({ code, facts }: Reason): boolean =>
  code === 'ERR_DIAL_DNS' && NO_ANSWER.test(String(facts.syscode));

/** What the user can do: the hint of the code, except for names that were not looked up or got no answer. */
export function hintOf(reason: Reason): string {
  if (hasNoDnsAnswer(reason))
    return 'No DNS server answered: check the DNS settings of this computer, use another server with --dns-server, or give the IP address.';
  if (reason.code === 'ERR_DIAL_DNS' && reason.facts.syscode === 'ENOTDNS')
    return 'A name that ends in .internal, .onion or .i2p is not looked up: give an IP address.';
  return REASONS[reason.code].hint;
}

/** The error of the library. `code` and `facts` are those of {@link Reason}; the message contains both in readable form. */
export class VerackError extends Error {
  override readonly name = 'VerackError';
  constructor(
    readonly code: ReasonCode,
    readonly facts: Facts = {},
  ) {
    const details = Object.entries(facts).map(([name, value]) => `${name}: ${value}`);
    super(`${code}: ${REASONS[code].says}${details.length > 0 ? ` (${details.join(', ')})` : ''}`);
  }
}

/** The reason in an error of the library, without the fact `addr`. */
export const reasonOf = ({ code, facts }: VerackError): Reason => ({
  code,
  facts: Object.fromEntries(Object.entries(facts).filter(([name]) => name !== 'addr')),
});
