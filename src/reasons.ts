/**
 * The closed table of ends and refusals: why a connection ended, was never made, or why a message was dropped.
 *
 * Every code says where it went wrong (`family`), who is to blame (`blame`), whether the same address is worth
 * another try (`retry`), which exit code a one-shot command gives it (`exit`), what happened in one sentence
 * (`says`) and what a person can do about it (`hint`). A `survivable` code never ends a connection: the message is
 * dropped, counted and reported, and the peer is kept, as Bitcoin Core does.
 *
 * Inside the program a {@link Reason} is plain data; {@link VerackError} exists only at the library's edge.
 * Match on `code`: the sentences may change between releases, the codes do not.
 */

import { INBOUND_REASONS } from './inbound-reasons.js';
import { PROXY_REASONS } from './proxy-reasons.js';

/** Who caused an end: the network between, the peer, a limit of ours, the caller of the library, none of them, or a bug of ours. */
export type Blame = 'network' | 'remote' | 'policy' | 'caller' | 'none' | 'us';
/** Whether another try can succeed. */
export type Retry = 'later' | 'no';

/** What is known of a reason code. */
export interface ReasonRow {
  readonly family:
    'dial' | 'link' | 'frame' | 'v2' | 'codec' | 'protocol' | 'policy' | 'time' | 'local' | 'end';
  readonly blame: Blame;
  /** `later`: with backoff; `no`: not by itself. */
  readonly retry: Retry;
  /** Exit code of a one-shot command whose only target ended so. */
  readonly exit: number;
  readonly survivable?: true;
  readonly says: string;
  readonly hint: string;
}

const rows = {
  ERR_DIAL_DNS: {
    family: 'dial',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'the name has no address',
    hint: 'Check the spelling and that this machine can resolve names.',
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
    hint: "Check this machine's network; IPv6 addresses need IPv6 here.",
  },
  ERR_DIAL_ZONE: {
    family: 'dial',
    blame: 'caller',
    retry: 'later',
    exit: 4,
    says: 'a link-local address needs the zone of a network interface of this machine',
    hint: 'Write it with the name of the interface: fe80::1%eth0.',
  },
  ...PROXY_REASONS,
  ERR_LINK_RESET: {
    family: 'link',
    blame: 'network',
    retry: 'later',
    exit: 4,
    says: 'the connection was reset',
    hint: 'A firewall or a crash on the other side; try again later.',
  },
  ERR_LINK_EOF: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 4,
    says: 'the peer closed the connection',
    hint: 'Before the handshake ends this often means: full, banned, another chain, or BIP324 v2 only.',
  },
  ERR_LINK_STALLED: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'the peer does not read what we send',
    hint: 'It is stuck, or its network is; the facts say how much was waiting.',
  },
  ERR_LINK_FLOOD: {
    family: 'link',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    says: 'the peer sent too many useless messages',
    hint: 'Messages that are dropped or come before verack, or pings without end; the facts say which.',
  },
  ERR_FRAME_MAGIC: {
    family: 'frame',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the first bytes are not of this network',
    hint: 'Pick the chain the node runs: --chain main|test|testnet4|signet|regtest.',
  },
  ERR_FRAME_OVERSIZE: {
    family: 'frame',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a message header claims more than 4,000,000 bytes',
    hint: 'The other side is broken or hostile.',
  },
  ERR_FRAME_CHECKSUM: {
    family: 'frame',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a message had a wrong checksum and was dropped',
    hint: 'Look for a bad network path or a broken encoder on the other side.',
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
    hint: 'It speaks neither v1 nor v2 of this network; pick the chain the node runs.',
  },
  ERR_V2_AUTH: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'an encrypted packet was not authentic',
    hint: 'Somebody changed bytes on the way, or the other side encrypts wrongly.',
  },
  ERR_V2_LENGTH: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'an encrypted packet claims more than 4,000,013 bytes',
    hint: 'The other side is broken or hostile, or bytes were changed on the way.',
  },
  ERR_V2_UNSUPPORTED: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer sent a v1 header, it does not support v2',
    hint: 'It is dialled again as v1, unless --v2only forbids that.',
  },
  ERR_V2_OTHER_NETWORK: {
    family: 'v2',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer speaks v1 of another network',
    hint: 'Pick the chain the node runs: --chain main|test|testnet4|signet|regtest.',
  },
  ERR_CODEC_SHORT: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload ended before its fields did and was dropped',
    hint: 'The other side encodes this message wrongly.',
  },
  ERR_CODEC_RANGE: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload holds a value outside its limits and was dropped',
    hint: 'The other side encodes this message wrongly.',
  },
  ERR_CODEC_NONMINIMAL: {
    family: 'codec',
    blame: 'remote',
    retry: 'later',
    exit: 6,
    survivable: true,
    says: 'a payload holds a length that is not in its shortest form and was dropped',
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
    says: 'a negotiation message breaks its rules',
    hint: 'See BIP434 for feature and BIP152 for sendcmpct.',
  },
  ERR_PROTO_LIMIT: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'a message holds more entries than the protocol allows',
    hint: 'The other side is broken or hostile.',
  },
  ERR_PROTO_NOT_OFFERED: {
    family: 'protocol',
    blame: 'remote',
    retry: 'no',
    exit: 6,
    says: 'the peer used a service that our version did not offer',
    hint: 'Peers should read services and relay before they ask.',
  },
  ERR_PROTO_SELF: {
    family: 'protocol',
    blame: 'none',
    retry: 'later',
    exit: 4,
    says: 'that address is this node itself',
    hint: 'Leave it out of the list of hosts.',
  },
  ERR_POLICY_NETGROUP: {
    family: 'policy',
    blame: 'policy',
    retry: 'later',
    exit: 4,
    says: 'an outbound connection to the same network group exists',
    hint: 'Automatic connections go to an IPv4 or IPv6 group once; name the host to connect all the same.',
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
    hint: 'Name the host yourself to connect whatever it offers.',
  },
  ERR_POLICY_TRANSPORT: {
    family: 'policy',
    blame: 'policy',
    retry: 'no',
    exit: 7,
    says: 'the peer speaks v1, and only v2 is allowed',
    hint: 'Leave out --v2only to take v1 too.',
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
    hint: 'A firewall may swallow it; --timeout MS sets the limit.',
  },
  ERR_TIME_HANDSHAKE: {
    family: 'time',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'the handshake did not finish in time',
    hint: '--peertimeout S sets the limit; the facts say what was missing.',
  },
  ERR_TIME_PONG: {
    family: 'time',
    blame: 'remote',
    retry: 'later',
    exit: 5,
    says: 'a ping stayed unanswered',
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
    says: 'an argument is not usable',
    hint: 'See --help.',
  },
  ERR_LOCAL_CANCELLED: {
    family: 'local',
    blame: 'caller',
    retry: 'no',
    exit: 130,
    says: 'we closed it on request',
    hint: '',
  },
  ERR_LOCAL_LIMIT: {
    family: 'local',
    blame: 'us',
    retry: 'later',
    exit: 4,
    says: 'this machine refused: a limit or a permission',
    hint: 'Raise the open-files limit (ulimit -n), or pick a port from 1024 on.',
  },
  ERR_LOCAL_ADDRESS: {
    family: 'local',
    blame: 'us',
    retry: 'later',
    exit: 4,
    says: 'the port is in use, or this machine does not have the address',
    hint: 'Pick another port with --port (0 for any free one), or an address of this machine with --bind.',
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
    says: 'the connection did what it was made for',
    hint: '',
  },
} as const satisfies Record<string, ReasonRow>;

/** A key of {@link REASONS}. */
export type ReasonCode = keyof typeof rows;
/** The table, by code. */
export const REASONS: Readonly<Record<ReasonCode, ReasonRow>> = rows;
/** All codes, in the order of the table. */
export const REASON_CODES = Object.keys(rows) as ReasonCode[];

/** A message was dropped for one of these; the connection continues. */
export type DropCode =
  'ERR_FRAME_CHECKSUM' | 'ERR_FRAME_COMMAND' | 'ERR_CODEC_SHORT' | 'ERR_CODEC_RANGE' | 'ERR_CODEC_NONMINIMAL';
/** The byte stream cannot be followed any further. */
export type BrokenCode = 'ERR_FRAME_MAGIC' | 'ERR_FRAME_OVERSIZE';
/** Why an encrypted (v2) stream cannot be followed any further. */
export type V2Code = 'ERR_V2_GARBAGE' | 'ERR_V2_AUTH' | 'ERR_V2_LENGTH' | 'ERR_V2_OTHER_NETWORK';
/** How a link that was open can end from outside. */
export const LINK_CODES = ['ERR_LINK_RESET', 'ERR_LINK_EOF'] as const;
/** How a link ends from outside. */
export type LinkCode = (typeof LINK_CODES)[number];
/** Whether a connection ended from outside. */
export const isLinkCode = (code: ReasonCode): code is LinkCode => LINK_CODES.includes(code as LinkCode);
/** Why a link never opened. */
export type DialCode = Extract<ReasonCode, `ERR_DIAL_${string}`> | 'ERR_LOCAL_LIMIT';

/** Why a listener could not be opened, by the system's error code. */
export const listenCodeOf = (syscode: string): 'ERR_LOCAL_ADDRESS' | 'ERR_LOCAL_LIMIT' =>
  syscode === 'EADDRINUSE' || syscode === 'EADDRNOTAVAIL' ? 'ERR_LOCAL_ADDRESS' : 'ERR_LOCAL_LIMIT';

/** JSON-safe circumstances of a reason: the state it ended in, the limit that was passed, what was missing. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Why a connection ended, as data. */
export interface Reason {
  readonly code: ReasonCode;
  readonly facts: Facts;
}

/** The error that the library throws or rejects with; `code` and `facts` as in {@link Reason}. */
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

/** The reason that an error of the library carries; which address it was is not part of it. */
export const reasonOf = ({ code, facts }: VerackError): Reason => ({
  code,
  facts: Object.fromEntries(Object.entries(facts).filter(([name]) => name !== 'addr')),
});
