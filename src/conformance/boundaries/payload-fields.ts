/** A sample payload of each message, split into the fields of the message table, so that a field can be replaced or the payload cut. */
import {
  type Codec,
  type Command,
  encode,
  hex64,
  type ListCodec,
  MESSAGES,
  type RefinedCodec,
  type StructCodec,
  type VarBytesCodec,
} from '../../wire/index.js';

/** A codec with the properties of structs, lists, rules and byte fields. */
export type AnyCodec = Codec<unknown> &
  Partial<
    Pick<StructCodec<unknown>, 'parts'> &
      Pick<ListCodec<unknown>, 'item' | 'max'> &
      Pick<RefinedCodec<unknown>, 'inner'> &
      Pick<VarBytesCodec, 'sizes'>
  >;

/** One field of a payload. */
export interface PayloadField {
  /** Its name, with those of the structs around it: `addr_recv.services`. */
  readonly path: string;
  readonly codec: AnyCodec;
  readonly bytes: Uint8Array;
  /** Whether it belongs to a tail that may be absent. */
  readonly isOptional: boolean;
}

/** Values by path, for fields whose sample is not zero. */
type Sample = Readonly<Record<string, unknown>>;

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const NONCE = '1122334455667788';

/** Values of a valid message for each command; zero in all other fields. */
const SAMPLES: Partial<Record<Command, Sample>> = {
  version: {
    version: 70016,
    timestamp: hex64(1_700_000_000),
    nonce: NONCE,
    user_agent: ascii('/verack/'),
    relay: true,
  },
  sendtxrcncl: { version: 1, salt: NONCE },
  feature: { featureid: ascii('test') },
  ping: { nonce: NONCE },
  pong: { nonce: NONCE },
  sendcmpct: { version: hex64(2) },
  feefilter: { feerate: hex64(1_000) },
  reject: { message: ascii('tx'), reason: ascii('test') },
};

/** The fields of the sample of a command, in wire order; a list is one field, which is empty. */
export const sampleOf = (command: Command): PayloadField[] =>
  fieldsOf(MESSAGES[command].fields, '', SAMPLES[command] ?? {}, false);

/** The fields of one list entry; zero where `sample` has no value. */
export const entryOf = (item: AnyCodec, sample: Sample = {}): PayloadField[] =>
  fieldsOf(item, '', sample, false);

function fieldsOf(codec: AnyCodec, path: string, sample: Sample, isOptional: boolean): PayloadField[] {
  if (codec.inner) return fieldsOf(codec.inner, path, sample, isOptional);
  if (codec.parts) {
    return codec.parts.flatMap(({ keys, codecs, atLeast }) =>
      keys.flatMap((key, n) =>
        fieldsOf(codecs[n]!, path === '' ? key : `${path}.${key}`, sample, isOptional || atLeast > 0),
      ),
    );
  }
  const bytes = encode(codec, sample[path] ?? zeroOf(codec));
  return [{ path, codec, bytes, isOptional }];
}

function zeroOf({ item, sizes, limits }: AnyCodec): unknown {
  const low = limits?.[0];
  if (item) return [];
  if (sizes) return new Uint8Array(sizes[0]);
  if (typeof low === 'number') return 0;
  if (typeof low === 'string') return hex64(0);
  return low ?? new Uint8Array(0);
}
