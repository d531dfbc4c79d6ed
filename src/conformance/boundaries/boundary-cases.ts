/** Combines the boundaries with their verdicts to conformance cases. */
import { factsOf } from '../../wire/index.js';
import { type Case, DIALECTS } from '../case.js';
import { Malformed } from '../case-schema.js';
import { type Boundary, boundaries, digestOf } from './boundaries.js';
import { type Outcome, outcomeOf, stepsOf } from './outcomes.js';
import type { StatedVerdict, Verdicts } from './verdicts.js';

/** The tag of boundary cases. */
export const BOUNDARY_TAG = 'boundary';

/** The cases of all boundaries. Throws {@link Malformed} for a boundary without a verdict and for a verdict without a boundary. */
export function boundaryCases(verdicts: Verdicts): Case[] {
  const all = boundaries();
  const ids = new Set(all.map(({ id }) => id));
  const excess = [...Object.keys(verdicts.run), ...Object.keys(verdicts.stated)].find((id) => !ids.has(id));
  if (excess !== undefined) throw new Malformed(`there is a verdict for ${excess}, which is not a boundary`);
  return all.map((it) => caseOf(it, verdicts));
}

function caseOf(it: Boundary, { run, stated, program }: Verdicts): Case {
  const own = stated[it.id];
  const outcome = own ? outcomeOf(own.outcome) : outcomeOf(runText(it, run[it.id]));
  if (!outcome) throw new Malformed(`the verdict for ${it.id} has an unknown end`);
  return {
    ...descriptionOf(it, outcome),
    role: 'inbound',
    transport: it.transport,
    listener: listenerOf(it),
    dialects: it.dialect ? [it.dialect] : DIALECTS,
    tags: [BOUNDARY_TAG, ...tagsOf(it, outcome)],
    ...(it.when && { when: it.when }),
    ...sourceOf(it, program, own),
    steps: stepsOf(it, outcome),
  };
}

function runText(it: Boundary, row: string | undefined): string {
  if (row === undefined) throw new Malformed(`there is no verdict for ${it.id}: run npm run verdicts`);
  const [digest, ...words] = row.split(' ');
  if (digest !== digestOf(it))
    throw new Malformed(`the verdict for ${it.id} was recorded for other bytes: run npm run verdicts`);
  return words.join(' ');
}

/** A v2-capable listener reads first bytes that are not a v1 version as a key, so such cases are for v1-only listeners. */
const listenerOf = ({ transport, state, command }: Boundary): NonNullable<Case['listener']> => {
  if (transport === 'v2') return 'v2-capable';
  return state === 'awaiting-version' && command !== 'version' ? 'v1-only' : 'any';
};

function tagsOf({ variant = '', state }: Boundary, { end }: Outcome): string[] {
  return [
    state,
    ...(/-count-\d{3}/.test(variant) ? ['limits'] : []),
    ...(end === 'close' ? ['disconnect', 'misbehaving'] : []),
  ];
}

const STATE_TEXT = {
  'awaiting-version': 'before version',
  'version-received': 'between version and verack',
  established: 'after verack',
} as const;

function descriptionOf(it: Boundary, outcome: Outcome): Pick<Case, 'id' | 'name' | 'rule' | 'grade'> {
  const { bip, about = 'not a message of the protocol' } = factsOf(it.command) ?? {};
  const what = it.variant === undefined ? it.command : `${it.command} with ${it.variant}`;
  const where = `${STATE_TEXT[it.state]}${it.transport === 'v2' ? ', over v2' : ''}`;
  return {
    id: it.id,
    name: `${what} ${where}: ${summaryOf(outcome)}`,
    rule: `${bip === undefined ? 'Protocol' : `BIP${bip}`}: ${about}; Core ProcessMessage(${it.command.toUpperCase()})`,
    grade: it.variant === undefined ? 'must' : 'should',
  };
}

function summaryOf({ received, end }: Outcome): string {
  const answers = received.map(({ msg }) => msg);
  const isHandshake = answers.includes('verack');
  if (isHandshake) return `answered with ${answers.join(', ')}${end === 'close' ? ', then closed' : ''}`;
  if (end === 'close') return 'the node closes';
  if (answers.length > 0) return `answered with ${answers.join(', ')}`;
  return end === 'open' ? 'ignored; no ping is answered' : 'ignored';
}

function sourceOf(
  it: Boundary,
  program: string,
  stated: StatedVerdict | undefined,
): Pick<Case, 'source' | 'verified' | 'evidence'> {
  if (stated) return { source: stated.source, verified: [], evidence: stated.evidence };
  return { source: `net_processing.cpp:ProcessMessage (${it.command})`, verified: [program] };
}
