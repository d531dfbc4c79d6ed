/** Shows a transcript: its sequence diagram, the selected entry, the facts of the peer, and controls to step through it. */
import { SequenceDiagram } from './sequence-diagram.js';
import { detailOf, type Reasons } from './event-detail.js';
import { PeerFacts } from './peer-facts.js';
import { button, make, setText } from './dom.js';
import type { Transcript } from './feed-messages.js';

export class TranscriptView {
  readonly root: HTMLElement;
  readonly #sequence = new SequenceDiagram((count) => this.step(count));
  readonly #detail = make('div');
  readonly #facts = new PeerFacts();
  readonly #pane = make('div.detail-pane', this.#detail, this.#facts.root);
  readonly #position = make('output');
  readonly #slider = make('input');
  #transcript: Transcript | undefined;
  /** The number of entries up to the selected one; undefined follows new entries. */
  #count: number | undefined;
  #detailed = '';

  /** `changed` is called when another entry has been selected. */
  constructor(private readonly changed: () => void) {
    this.#slider.type = 'range';
    this.#slider.min = '1';
    this.#slider.setAttribute('aria-label', 'Entry');
    this.#slider.addEventListener('input', () => this.step(Number(this.#slider.value)));
    const heads = make('div.heads', make('span', ''), make('span', 'this node'), make('span', 'the peer'));
    this.root = make(
      'div.transcript-view',
      make('div.steps', ...this.#buttons(), this.#slider, this.#position),
      make('div.panes', make('div.sequence-pane', heads, this.#sequence.list), this.#pane),
    );
  }

  get transcript(): Transcript | undefined {
    return this.#transcript;
  }

  /** The number of entries up to and including the selected one. */
  get count(): number {
    const all = this.#transcript?.entries.length ?? 0;
    return Math.min(this.#count ?? all, all);
  }

  show(transcript: Transcript | undefined, reasons: Reasons): void {
    if (transcript?.key !== this.#transcript?.key) this.#count = undefined;
    const isNew = transcript !== this.#transcript;
    this.#transcript = transcript;
    this.root.hidden = !transcript;
    if (!transcript) return;
    this.#sequence.show(transcript, this.count);
    if (isNew && this.#count === undefined) this.#sequence.scrollTo(this.count);
    this.#showPosition(transcript);
    this.#showDetail(transcript, reasons);
    this.#facts.show(transcript, reasons);
  }

  /** Selects the entry with this number, from 1; at the end, new entries are followed. */
  step(count: number): void {
    const all = this.#transcript?.entries.length ?? 0;
    this.#count = count >= all ? undefined : Math.max(0, count);
    this.#sequence.scrollTo(this.count);
    this.changed();
  }

  /** Handles the keys of the buttons; returns whether the key is one of them. */
  handleKey(key: string): boolean {
    const to: Readonly<Record<string, number>> = {
      ArrowLeft: this.count - 1,
      ArrowRight: this.count + 1,
      Home: 1,
      End: Infinity,
    };
    const count = to[key];
    if (count === undefined || !this.#transcript) return false;
    this.step(count);
    return true;
  }

  #buttons(): HTMLElement[] {
    return [
      button('|◀', () => this.step(1), 'to the first entry (key Home)'),
      button('◀', () => this.step(this.count - 1), 'one entry back (key ←)'),
      button('▶', () => this.step(this.count + 1), 'one entry forward (key →)'),
      button('▶|', () => this.step(Infinity), 'to the last entry, and follow new ones (key End)'),
    ];
  }

  #showPosition({ entries }: Transcript): void {
    this.#slider.max = String(entries.length);
    this.#slider.value = String(this.count);
    setText(this.#position, `${this.count} of ${entries.length}`);
  }

  #showDetail(transcript: Transcript, reasons: Reasons): void {
    const entry = transcript.entries[this.count - 1];
    const target = entry?.kind === 'transition' ? entry.to : '';
    const name = `${transcript.key} ${entry?.n} ${target} ${Object.keys(reasons).length}`;
    if (name === this.#detailed) return;
    this.#detailed = name;
    this.#detail.replaceChildren(...(entry ? [detailOf(entry, reasons)] : []));
    this.#pane.scrollTop = 0;
  }
}
