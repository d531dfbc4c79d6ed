/** The terms of the page, for its tooltips and the glossary view. Does not use the document. */

/** The texts by term, in the order of the glossary. */
export const GLOSSARY: Readonly<Record<string, string>> = {
  peer: 'The other end of one connection.',
  state:
    'The state of the peer machine: connecting, awaitingVersion or versionSent, versionReceived, established, closed, failed.',
  awaitingVersion: 'An inbound connection is open, and the version message of the peer has not arrived.',
  versionSent:
    'An outbound connection is open and version was sent; the version message of the peer has not arrived.',
  versionReceived: 'The version message of the peer has arrived; its verack has not.',
  established: 'The handshake is complete: both ends have sent version and verack.',
  closed: 'The connection ended without an error.',
  failed: 'The connection ended with an error, which the reason describes.',
  reason: 'Why a connection ended: a code and its facts.',
  deadline: 'What happens without further messages, and when. The chart shows the deadlines in force.',
  handshake: 'The exchange of version and verack at the start of a connection.',
  transition: 'What a machine does with an event in a state: its guard, its actions and the next state.',
  target:
    'An address or name that the node wants to be connected to; the outbound machine dials it again after failures.',
  supervisor: 'The machine that assigns the inbound and outbound slots of a node.',
  cell: 'A pair of state and event, and the reaction of the machine to the event in this state.',
  blame:
    'Who caused the end: remote (the peer), policy (a rule of this node), network, caller, us (an error of this program), nobody.',
  magic: 'Four bytes at the start of each v1 message that name the chain.',
  checksum: 'Four bytes of a v1 message that detect a changed payload; such a message is dropped.',
  nonce:
    'A random number: in version it detects a connection of a node to itself, in ping and pong it matches the answer to the request.',
  transport: 'v1 is unencrypted, v2 is encrypted (BIP324); the transport machine selects one.',
  services:
    'Bits of the version message, as letters: n NETWORK, b BLOOM, w WITNESS, c COMPACT_FILTERS, l NETWORK_LIMITED, 2 P2P_V2.',
  negotiated:
    'Optional features that the peer has announced, such as wtxidrelay (BIP339) or sendaddrv2 (BIP155).',
  feeler: 'A short outbound connection that tests whether an address answers.',
  'addr-fetch': 'A short outbound connection that asks for addresses.',
  'block-relay-only': 'An outbound connection without transactions and addresses.',
  'full-relay': 'An ordinary outbound connection, with transactions and addresses.',
  addrlocal: 'The address of this node as the peer sees it: it is in the version message of the peer.',
  lab: 'Peers in memory with deliberate faults, on a separate clock. Only with the option --lab.',
};

/** The meanings of the fields of messages. */
export const FIELDS: Readonly<Record<string, string>> = {
  version: 'protocol version of the sender',
  services: 'services that the sender offers',
  timestamp: 'UNIX time of the sender',
  'addr_recv.services': 'services of the receiver, from the sender',
  'addr_recv.ip': 'address of the receiver, as IPv6',
  'addr_recv.port': 'port of the receiver, big-endian',
  'addr_from.services': 'services of the sender again',
  'addr_from.ip': 'address of the sender; not used today',
  'addr_from.port': 'port of the sender; not used today',
  nonce: 'random number: detects connections of a node to itself (version), matches pong to ping',
  user_agent: 'BIP14: software of the sender, preceded by its length',
  start_height: 'height of the best block of the sender',
  relay: 'BIP37: whether transactions may be announced at once',
  announce: 'BIP152: 1 asks for compact blocks without a prior announcement',
  feerate: 'BIP133: lowest fee rate to announce, satoshi per 1,000 virtual bytes',
};
