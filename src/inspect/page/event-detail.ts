/** Shows all facts of one entry of a transcript: a message with its bytes and fields, or a transition and its reason. */
import { make, type Child } from './dom.js';
import type { TransitionEntry, MessageEntry, TranscriptEntry, Reason, ReasonText } from './feed-messages.js';
import { bytes, span } from './format.js';
import { FIELDS } from './glossary.js';

export type Reasons = Readonly<Record<string, ReasonText>>;

/** Bytes on a line, and most lines of one field. */
const PER_LINE = 8;
const MAX_LINES = 4;

export const detailOf = (entry: TranscriptEntry, reasons: Reasons): HTMLElement =>
  entry.kind === 'transition' ? transitionDetail(entry, reasons) : messageDetail(entry, reasons);

function messageDetail(entry: MessageEntry, reasons: Reasons): HTMLElement {
  const { kind, command, size, at, bip, faults, dropped, fields } = entry;
  const { about = 'a command that is not in the message table' } = entry;
  const kept = entry.hex.length / 2;
  const sender = kind === 'sent' ? 'sent by this node' : 'sent by the peer';
  const length = dropped === undefined || size > 0 ? bytes(size) : 'dropped';
  return make(
    'article.detail',
    make('h3', make('b', command), ...bipOf(bip)),
    make('p', `${about}: ${length}, ${sender}, ${span(at)} after the start`),
    ...faults.map((fault) => make('p.faulty', fault)),
    ...(dropped === undefined ? [] : reasonOf({ code: dropped, facts: {} }, reasons)),
    ...(fields.length > 0 ? [fieldTable(entry)] : []),
    ...(dropped === undefined && kept < size ? [make('p.muted', `the first ${bytes(kept)} were kept`)] : []),
  );
}

const HEADS = ['offset', 'bytes', 'field', 'value', 'meaning'];

function fieldTable({ fields }: MessageEntry): HTMLElement {
  const head = make('tr', ...HEADS.map((text) => make('th', text)));
  const rows = fields.map(({ offset, hex, name, value }) =>
    make(
      'tr',
      make('td.number', String(offset)),
      make('td.hex', spaced(hex)),
      make('td.name', name),
      make('td.foreign', value),
      make('td.muted', FIELDS[name] ?? ''),
    ),
  );
  return make('table.fields', make('thead', head), make('tbody', ...rows));
}

/** Hex in groups of two digits and in lines: `f9 be b4 d9`. */
function spaced(hex: string): string {
  const rows = hex.match(new RegExp(`.{1,${2 * PER_LINE}}`, 'g')) ?? [''];
  const shown = rows.slice(0, MAX_LINES).map((row) => (row.match(/../g) ?? []).join(' '));
  return [...shown, ...(rows.length > MAX_LINES ? ['…'] : [])].join('\n');
}

const MACHINES = { peer: 'peer', transport: 'transport (key exchange)' } as const;

function transitionDetail(entry: TransitionEntry, reasons: Reasons): HTMLElement {
  const { machine, state, to, event, guard, actions, description, bip, reason } = entry;
  const facts: [string, Child][] = [
    ['machine', MACHINES[machine]],
    ['state × event', `${state} × ${event}`],
    ...(guard === undefined ? [] : [['guard', guard] as [string, Child]]),
    ['next state', to === undefined || to === state ? `${state} (unchanged)` : make('b.state', to)],
    ...(actions.length === 0 ? [] : [['actions', actions.join(', ')] as [string, Child]]),
  ];
  const list = make('dl', ...facts.flatMap(([name, value]) => [make('dt', name), make('dd', value)]));
  const article = make(
    'article.detail',
    make('h3', description === '' ? event : description, ...bipOf(bip)),
    list,
  );
  if (reason) article.append(...reasonOf(reason, reasons));
  article.classList.add(to ?? 'unchanged');
  return article;
}

const bipOf = (bip: number | undefined): HTMLElement[] =>
  bip === undefined ? [] : [make('span.bip', `BIP${bip}`)];

/** Whether a hint names an option of the command line, such as `--timeout MS`, which does not apply to the page. */
const isOption = (hint: string): boolean => /(?:^|\s)--[a-z]/.test(hint);

/** A reason: its code and sentence, its hint unless it is about the command line, and its facts. */
export function reasonOf({ code, facts }: Reason, reasons: Reasons): HTMLElement[] {
  const { says = '', hint = '', blame = '' } = reasons[code] ?? {};
  const known = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return [
    make('p.reason', make('b', code), ` ${says}${blame === '' ? '' : ` (blame: ${blame})`}`),
    ...(hint === '' || isOption(hint) ? [] : [make('p.muted', hint)]),
    ...(known.length === 0 ? [] : [make('p.foreign', known.join('  '))]),
  ];
}
