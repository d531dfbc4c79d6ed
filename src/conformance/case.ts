/**
 * The types of a conformance case, which is plain data. The files in `cases/` contain the cases; the README in that directory
 * explains every field and op, and `case-schema.ts` validates them.
 */

/** `must`: order, ignored messages, ends of connections. `should`: sizes and times. `informational`: implementations differ. */
export const GRADES = ['must', 'should', 'informational'] as const;
export type Grade = (typeof GRADES)[number];

/** The behaviour of nodes that announce up to protocol 70016, and from 70017 (BIP434) on. */
export const DIALECTS = ['d70016', 'd70017'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The transports that the node under test accepts. */
export type Listener = 'v1-only' | 'v2-capable';

/** What a case can need besides a socket, with the reason for skipping it when that is missing. */
export const NEEDS = {
  clock: "needs control of the node's clock",
  peers: "needs the node's own list of its connections",
  rpc: 'needs an RPC call of the node',
  config: 'needs the node started with other options',
  addresses: 'needs a filled address book; relay policy is not tested',
  blocks: 'needs mined blocks; relay policy is not tested',
  'address-relay': 'needs a node that relays addresses; relay policy is not tested',
  routable: 'needs a routable address on this machine',
  'old-tip': 'needs a node whose newest block is more than a day old',
} as const;
export type Need = keyof typeof NEEDS;

/** The evidence for an expected result: a run of Bitcoin Core or Knots, Core's source, or the text of a BIP. */
export const EVIDENCE = ['run', 'source', 'BIP'] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** Conditions on what the node announces; all of them must hold. */
export interface When {
  /** The relay byte of its version. */
  readonly relay?: 0 | 1;
  /** It offers one of these services. */
  readonly offers?: readonly string[];
  /** It offers none of these. */
  readonly lacks?: readonly string[];
  /** It sends this command before its verack. */
  readonly sends?: string;
  /** It is on this chain (Core's name). */
  readonly chain?: string;
}

/** Fields of a `version` message; other fields have the values of `version-message.ts`. */
export type VersionFields = Readonly<Record<string, string | number>>;

/** A payload that consists of `prefix`, `count` times `unit`, and `suffix`, all in hex. */
export interface Repeated {
  readonly prefix: string;
  readonly unit: string;
  readonly count: number;
  readonly suffix?: string;
}

/** A message to send. Absent fields have correct values; given ones may be wrong, for fault injection. */
export interface Sent {
  readonly msg: string;
  readonly payload?: string;
  readonly payload_gen?: Repeated;
  /** `version` only: the values of fields, and where the message is cut. */
  readonly fields?: VersionFields;
  readonly omit_from?: string;
  readonly cut_to_bytes?: number;
  readonly cut_last?: number;
  /** The nonce of a version that was captured under this name. */
  readonly version_nonce_from?: string;
  /** `other`: the magic of another network. */
  readonly magic?: 'other';
  readonly command_hex?: string;
  readonly length?: number;
  readonly checksum?: string;
  /** v2 only: `long` is the 13-byte message type. */
  readonly encoding?: 'long';
}

/** A message that is expected. */
export interface Wanted {
  readonly msg: string;
  readonly payload?: string;
  readonly payload_len?: number;
  readonly fields?: VersionFields;
  readonly fields_nonzero?: readonly string[];
  readonly capture?: string;
  readonly differs_from?: string;
}

/** One step. The README explains the ops and their fields; the schema guarantees that the fields match the op. */
export interface Step {
  readonly op: string;
  readonly conn?: string;
  readonly messages?: readonly (string | Sent | Wanted)[];
  readonly coalesce?: boolean;
  readonly bytewise?: boolean;
  readonly hex?: string;
  readonly zeros?: number;
  readonly of?: string | Sent;
  readonly from?: number;
  readonly to?: number;
  readonly within_ms?: number;
  readonly strict?: boolean;
  /** Commands that are ignored; for a packet: whether it is a decoy. */
  readonly ignore?: readonly string[] | boolean;
  readonly allow?: readonly string[];
  readonly ms?: number;
  readonly nonce?: string;
  readonly min?: number;
  readonly max?: number;
  readonly prefix?: string;
  readonly not_prefix?: string;
  readonly count?: number;
  readonly seconds?: number;
  readonly unix?: number;
  readonly v2?: boolean;
  readonly initiating?: boolean;
  readonly garbage_len?: number;
  readonly key_bytes?: number;
  readonly decoys?: readonly number[];
  readonly version_contents?: string;
  readonly wrong_aad?: boolean;
  readonly omit_terminator?: boolean;
  readonly omit_version_packet?: boolean;
  readonly no_wait?: boolean;
  readonly append_messages?: readonly (string | Sent)[];
  readonly contents?: string;
  readonly header?: string;
  readonly corrupt_tag?: boolean;
  readonly length?: number;
}

/** One case. */
export interface Case {
  readonly id: string;
  readonly name: string;
  /** The BIP or the rule of Bitcoin Core that it tests. */
  readonly rule: string;
  readonly grade: Grade;
  /** `inbound`: the tester dials the node under test; `outbound`: the node dials the tester. */
  readonly role: 'inbound' | 'outbound';
  readonly transport: 'v1' | 'v2';
  readonly listener?: Listener | 'any';
  /** The type of the outbound connection; with `as_manual` the case applies to manual connections too. */
  readonly connection_type?: string;
  readonly as_manual?: boolean;
  readonly dialects: readonly Dialect[];
  readonly tags: readonly string[];
  readonly when?: When;
  readonly needs?: readonly Need[];
  readonly config?: Readonly<Record<string, string | number>>;
  readonly own_node?: boolean;
  /** The file and function in Bitcoin Core. */
  readonly source: string;
  /** How Core's master differs from the release that the steps were verified on. */
  readonly core_master?: string;
  readonly note?: string;
  /** The programs that passed the case when it was written. */
  readonly verified: readonly string[];
  /** The evidence, if no program was run. */
  readonly evidence?: Exclude<Evidence, 'run'>;
  readonly steps: readonly Step[];
}

/** The evidence for the expected result of a case. */
export const evidenceOf = ({ evidence, verified }: Pick<Case, 'evidence' | 'verified'>): Evidence =>
  evidence ?? (verified.length > 0 ? 'run' : 'source');

/** A case that only has steps, for runs outside of the suite. */
export const bareCase = (steps: readonly Step[], transport: Case['transport'] = 'v1'): Case => ({
  id: 'bare',
  name: '',
  rule: '',
  grade: 'must',
  role: 'inbound',
  transport,
  steps,
  dialects: [],
  tags: [],
  source: '',
  verified: [],
});
