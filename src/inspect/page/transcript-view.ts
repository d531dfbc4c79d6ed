/** A story on the page: its sequence diagram, the moment that is chosen, and the controls that step through it. */
import { SequenceDiagram } from './sequence-diagram.js';
import { detailOf, type Reasons } from './event-detail.js';
import { button, make, say } from './dom.js';
import type { Transcript } from './feed-messages.js';

export class TranscriptView {
  readonly root: HTMLElement;
  readonly #dialogue = new SequenceDiagram((count) => this.step(count));
  readonly #detail = make('div.moment');
  readonly #where = make('output');
  readonly #slider = make('input');
  #story: Transcript | undefined;
  /** How many moments have happened; undefined follows the story as it goes on. */
  #count: number | undefined;
  #detailed = '';

  /** `changed` is called when another moment was chosen. */
  constructor(private readonly changed: () => void) {
    this.#slider.type = 'range';
    this.#slider.min = '0';
    this.#slider.setAttribute('aria-label', 'Moment');
    this.#slider.addEventListener('input', () => this.step(Number(this.#slider.value)));
    const heads = make('div.heads', make('span', ''), make('span', 'this node'), make('span', 'the peer'));
    this.root = make(
      'div.scene',
      make('div.steps', ...this.#buttons(), this.#slider, this.#where),
      make('div.two', make('div.column', heads, this.#dialogue.list), this.#detail),
    );
    this.root.addEventListener('keydown', (event) => this.#key(event));
  }

  get story(): Transcript | undefined {
    return this.#story;
  }

  /** How many moments of the story count as having happened. */
  get count(): number {
    const all = this.#story?.moments.length ?? 0;
    return Math.min(this.#count ?? all, all);
  }

  show(story: Transcript | undefined, reasons: Reasons): void {
    if (story?.key !== this.#story?.key) this.#count = undefined;
    const isNew = story !== this.#story;
    this.#story = story;
    this.root.hidden = !story;
    if (!story) return;
    this.#dialogue.draw(story, this.count);
    if (isNew && this.#count === undefined) this.#dialogue.follow(this.count);
    this.#place(story);
    this.#tell(story, reasons);
  }

  /** To just after that many moments; the end follows what comes. */
  step(count: number): void {
    const all = this.#story?.moments.length ?? 0;
    this.#count = count >= all ? undefined : Math.max(0, count);
    this.#dialogue.follow(this.count);
    this.changed();
  }

  #buttons(): HTMLElement[] {
    const back = button('◀', () => this.step(this.count - 1), 'one moment back (←)');
    const forth = button('▶', () => this.step(this.count + 1), 'one moment on (→)');
    return [
      button('|◀', () => this.step(1), 'to the beginning (Home)'),
      back,
      forth,
      button('▶|', () => this.step(Infinity), 'to the end, and follow (End)'),
    ];
  }

  #key(event: KeyboardEvent): void {
    if (event.target === this.#slider || event.altKey || event.ctrlKey || event.metaKey) return;
    const to: Readonly<Record<string, number>> = {
      ArrowLeft: this.count - 1,
      ArrowRight: this.count + 1,
      Home: 1,
      End: Infinity,
    };
    const count = to[event.key];
    if (count === undefined) return;
    event.preventDefault();
    this.step(count);
  }

  #place({ moments }: Transcript): void {
    this.#slider.max = String(moments.length);
    this.#slider.value = String(this.count);
    say(this.#where, `${this.count} of ${moments.length}`);
  }

  #tell(story: Transcript, reasons: Reasons): void {
    const moment = story.moments[this.count - 1];
    const name = `${story.key} ${moment?.n} ${Object.keys(reasons).length}`;
    if (name === this.#detailed) return;
    this.#detailed = name;
    this.#detail.replaceChildren(...(moment ? [detailOf(moment, reasons)] : []));
  }
}
