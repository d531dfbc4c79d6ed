/** One moment in full: a message with its bytes and fields, or the machine's cell and why. */
import { make, type Child } from './dom.js';
import type { TransitionEntry, MessageEntry, TranscriptEntry, Reason, ReasonWords } from './feed-messages.js';
import { bytes, span } from './format.js';

export type Reasons = Readonly<Record<string, ReasonWords>>;

/** Bytes on a line, and lines of one field before the rest is left out. */
const PER_LINE = 16;
const MOST_LINES = 4;

export const detailOf = (moment: TranscriptEntry, reasons: Reasons): HTMLElement =>
  moment.kind === 'cell' ? cellDetail(moment, reasons) : crossingDetail(moment);

function crossingDetail(moment: MessageEntry): HTMLElement {
  const {
    kind,
    command,
    size,
    at,
    bip,
    about = 'a command that the table does not know',
    fields,
    verdicts,
  } = moment;
  const way = kind === 'sent' ? 'we sent' : 'they sent';
  const kept = moment.hex.length / 2;
  return make(
    'article.detail',
    make('h3', make('b', command), ...bipOf(bip)),
    make('p', `${way} ${bytes(size)}, ${span(at)} after the beginning: ${about}.`),
    ...verdicts.map((says) => make('p.troubled', says)),
    ...(fields.length > 0 ? [fieldTable(moment)] : []),
    ...(kept < size ? [make('p.soft', `the first ${bytes(kept)} were kept`)] : []),
  );
}

function fieldTable({ fields }: MessageEntry): HTMLElement {
  const head = make('tr', ...['offset', 'bytes', 'field', 'meaning'].map((text) => make('th', text)));
  const lines = fields.map(({ offset, hex, name, value }) =>
    make(
      'tr',
      make('td.number', String(offset)),
      make('td.hex', spaced(hex)),
      make('td', name),
      make('td.foreign', value),
    ),
  );
  return make('div.wide', make('table', make('thead', head), make('tbody', ...lines)));
}

/** `f9 be b4 d9`, in lines. */
function spaced(hex: string): string {
  const rows = hex.match(new RegExp(`.{1,${2 * PER_LINE}}`, 'g')) ?? [''];
  const shown = rows.slice(0, MOST_LINES).map((row) => (row.match(/../g) ?? []).join(' '));
  return [...shown, ...(rows.length > MOST_LINES ? ['…'] : [])].join('\n');
}

const MACHINES = { peer: 'the peer machine', transport: 'the transport machine (key exchange)' } as const;

function cellDetail(cell: TransitionEntry, reasons: Reasons): HTMLElement {
  const { lane, state, to, event, guard, actions, says, bip, reason } = cell;
  const facts: [string, Child][] = [
    ['machine', MACHINES[lane]],
    ['cell', `${state} × ${event}`],
    ...(guard === undefined ? [] : [['because', guard] as [string, Child]]),
    ['then', to === undefined || to === state ? `stays in ${state}` : make('b.state', to)],
    ...actions.map((action): [string, Child] => ['does', action]),
  ];
  const list = make('dl', ...facts.flatMap(([name, value]) => [make('dt', name), make('dd', value)]));
  const article = make('article.detail', make('h3', says === '' ? event : says, ...bipOf(bip)), list);
  if (reason) article.append(...reasonOf(reason, reasons));
  article.classList.add(to ?? 'stays');
  return article;
}

const bipOf = (bip: number | undefined): HTMLElement[] =>
  bip === undefined ? [] : [make('span.bip', `BIP${bip}`)];

/** A code, its sentence, what to do about it, and its facts. */
export function reasonOf({ code, facts }: Reason, reasons: Reasons): HTMLElement[] {
  const { says = '', hint = '', blame = '' } = reasons[code] ?? {};
  const known = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return [
    make('p.reason', make('b', code), ` ${says}${blame === '' ? '' : ` (blame: ${blame})`}`),
    ...(hint === '' ? [] : [make('p.soft', hint)]),
    ...(known.length === 0 ? [] : [make('p.foreign', known.join('  '))]),
  ];
}
