/** Shows the facts of one peer: the most important ones of `getpeerinfo`, all of them on request, and its pings. */
import { reasonOf, type Reasons } from './event-detail.js';
import { type Child, make } from './dom.js';
import type { LocalAddress, Reason, Transcript } from './feed-messages.js';
import { GLOSSARY } from './glossary.js';
import { pingPlot } from './plots.js';
import { ago, bytes, span } from './format.js';

type Facts = Transcript['facts'];

/** Most addresses of this node that are shown. */
const LOCAL_ADDRESSES = 3;

/** The text of a fact: lists with spaces, objects as JSON, an empty text for a missing value. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(' ');
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

export class PeerFacts {
  readonly root = make('div.peer-facts');
  readonly #all = make('details');
  readonly #list = make('dl');
  readonly #first = make('dl.first');
  readonly #pings = make('figure');
  #drawn = '';

  constructor() {
    this.#all.append(make('summary', 'all of getpeerinfo'), this.#list);
    this.root.append(this.#first, this.#pings, this.#all);
  }

  show({ facts, pings, key }: Transcript, reasons: Reasons): void {
    const drawn = JSON.stringify([key, facts, pings.length]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#first.replaceChildren(...pairs(firstOf(facts)));
    const { lastreason } = facts as { lastreason?: Reason };
    if (lastreason) this.#first.append(termOf('reason'), make('dd', ...reasonOf(lastreason, reasons)));
    this.#list.replaceChildren(...pairs(Object.entries(facts).map(([name, value]) => [name, textOf(value)])));
    const plot = pings.length > 0 ? [make('figcaption', captionOf(pings)), pingPlot(pings)] : [];
    this.#pings.replaceChildren(...plot);
  }
}

const pairs = (entries: readonly (readonly [string, Child])[]): HTMLElement[] =>
  entries
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => [termOf(name), make('dd.foreign', value)]);

/** A name with its text of the glossary as a tooltip. */
function termOf(name: string): HTMLElement {
  const term = make('dt', name);
  const text = GLOSSARY[name];
  if (text !== undefined) term.title = text;
  return term;
}

function captionOf(pings: Transcript['pings']): string {
  const times = pings.map(([, ms]) => ms);
  if (times.length === 1) return `1 ping, ${span(times[0]!)}`;
  return `${times.length} pings, ${span(Math.min(...times))} to ${span(Math.max(...times))}`;
}

function firstOf(facts: Facts): [string, Child][] {
  const text = (name: string): string => textOf(facts[name]);
  const version = facts.version === 0 ? '' : `${text('version')} ${text('subver')}`;
  const session = text('session_id');
  return [
    ['address', text('addr')],
    ['addrlocal', text('addrlocal')],
    ['version', version],
    ['services', text('servicesnames')],
    ['negotiated', chips(facts.negotiated)],
    ['transport', `${text('transport_protocol_type')}${session ? ` session ${session.slice(0, 16)}…` : ''}`],
    ['handshake', phases(facts.phases)],
    ['bytes', `${bytes(Number(facts.bytessent ?? 0))} sent, ${bytes(Number(facts.bytesrecv ?? 0))} received`],
    ['deadline', deadline(facts.nextdeadline)],
    ['dropped', counts(facts.dropped)],
  ];
}

/** `ERR_FRAME_CHECKSUM 2`. */
function counts(value: unknown): string {
  const all = Object.entries((value ?? {}) as Record<string, number>);
  return all.map(([name, count]) => `${name} ${count}`).join(', ');
}

function chips(words: unknown): Child {
  if (!Array.isArray(words) || words.length === 0) return '';
  return make('span.chips', ...words.map((word) => make('span.bip', String(word))));
}

/** The addresses that peers see for this node, the most frequent first; empty if no peer has sent one. */
export function localAddressText(addresses: readonly LocalAddress[]): string {
  const all = addresses.reduce((sum, { score }) => sum + score, 0);
  const texts = addresses
    .slice(0, LOCAL_ADDRESSES)
    .map(({ address, score }) => `${address} (${score} of ${all})`);
  return texts.length === 0 ? '' : `Peers see this node as ${texts.join(', ')}.`;
}

function phases(value: unknown): string {
  const all = Object.entries((value ?? {}) as Record<string, number>);
  return all.map(([name, ms]) => `${name} ${span(ms)}`).join(', ');
}

function deadline(value: unknown): string {
  const next = value as { readonly what: string; readonly in: number } | undefined;
  return next ? `${next.what} in ${ago(next.in * 1_000)}` : '';
}
