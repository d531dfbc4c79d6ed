/**
 * Recorded conversations, spoilt: seeded, so that a number is an input. Most changes are made to payloads under a checksum
 * that fits again, because a wrong checksum protects every decoder behind it.
 */
import { COMMANDS } from '../../src/wire/index.js';
import { Chance } from '../simulation/seeded-random.js';
import { conversations, cut, type Frame, framesOf, serialize } from './frames.js';

/** What a peer sends, in the pieces in which it comes. */
export interface Input {
  readonly role: 'dialled' | 'accepted';
  readonly pieces: readonly Uint8Array[];
}

const recorded = conversations.map((conversation) => ({
  role: conversation.role,
  frames: framesOf(conversation),
}));

/** Lengths, counts and signs that decoders stumble over. */
const EDGES = [
  '00',
  'fc',
  'fd0000',
  'fdfd00',
  'fdffff',
  'fe00000100',
  'feffffff7f',
  'ffffffffffffffffff',
].map((hex) => Buffer.from(hex, 'hex'));
const LENGTHS = [0, 1, 23, 24, 80, 4_000_000, 4_000_001, 0x7fffffff, 0xffffffff];

type Bytes = (bytes: Uint8Array, chance: Chance) => Uint8Array;

const replace = (bytes: Uint8Array, at: number, drop: number, put: Uint8Array): Uint8Array =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + drop)]);

const flip: Bytes = (bytes, chance) => {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) copy[chance.whole(0, copy.length - 1)]! ^= 1 << chance.whole(0, 7);
  return copy;
};

const BYTES: readonly Bytes[] = [
  flip,
  flip,
  (bytes, chance) => replace(bytes, chance.whole(0, bytes.length), 0, chance.bytes(chance.whole(1, 9))),
  (bytes, chance) => replace(bytes, chance.whole(0, bytes.length), chance.whole(1, 9), Buffer.alloc(0)),
  (bytes, chance) => {
    const edge = chance.pick(EDGES);
    return replace(bytes, chance.whole(0, bytes.length), chance.often(0.5) ? edge.length : 0, edge);
  },
  (bytes, chance) => bytes.subarray(0, chance.whole(0, bytes.length)),
  (_, chance) => chance.bytes(chance.whole(0, 120)),
];

/** Changes the frame at one place. */
type Frames = (frames: Frame[], at: number, chance: Chance) => void;

const change =
  (edit: (frame: Frame, chance: Chance) => Partial<Frame>): Frames =>
  (frames, at, chance) => {
    frames[at] = { ...frames[at]!, ...edit(frames[at]!, chance) };
  };

const spoil = change(({ payload }, chance) => ({ payload: chance.pick(BYTES)(payload, chance) }));
const rename = change((_, chance) => ({ command: chance.pick(COMMANDS) }));

const FRAMES: readonly Frames[] = [
  spoil,
  spoil,
  spoil,
  rename,
  (frames, at, chance) => {
    rename(frames, at, chance);
    spoil(frames, at, chance);
  },
  change((_, chance) => ({ command: String.fromCharCode(...chance.bytes(chance.whole(0, 12))) })),
  change((_, chance) => ({ length: chance.pick(LENGTHS) })),
  change(({ payload }, chance) => ({ length: Math.max(0, payload.length + chance.whole(-3, 3)) })),
  change((_, chance) => ({ checksum: chance.next() })),
  change((_, chance) => (chance.often(0.1) ? { magic: chance.next() } : {})),
  (frames, at) => void frames.splice(at, 1),
  (frames, at) => void frames.splice(at, 0, frames[at]!),
  (frames, at, chance) => {
    const [moved] = frames.splice(at, 1);
    frames.splice(chance.whole(0, frames.length), 0, moved!);
  },
  (frames, at, chance) => {
    const other = chance.pick(recorded).frames;
    frames.splice(at, frames.length, ...other.slice(chance.whole(0, other.length - 1)));
  },
];

/** The input of that number. */
export function inputOf(seed: number, number: number): Input {
  const chance = new Chance(seed).fork(number);
  const { role, frames: whole } = chance.pick(recorded);
  const frames = [...whole];
  for (let n = chance.whole(1, 4); n > 0 && frames.length > 0; n -= 1)
    chance.pick(FRAMES)(frames, chance.whole(0, frames.length - 1), chance);
  let bytes: Uint8Array = Buffer.concat(frames.map(serialize));
  if (chance.often(0.2)) bytes = chance.pick(BYTES)(bytes, chance);
  return { role, pieces: pieces(bytes, chance) };
}

function pieces(bytes: Uint8Array, chance: Chance): Uint8Array[] {
  const count = chance.pick([0, 0, 1, 2, 5, 40]);
  const offsets = Array.from({ length: count }, () => chance.whole(0, bytes.length));
  return cut(
    bytes,
    offsets.sort((a, b) => a - b),
  );
}
