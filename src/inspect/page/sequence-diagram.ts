/**
 * A story as a sequence diagram: we on the left, they on the right, arrows for what crossed, the states of our machine on
 * our line. One moment is chosen; what comes after it is dim, as if it had not happened yet.
 */
import { dress, make } from './dom.js';
import type { TransitionEntry, MessageEntry, TranscriptEntry, Transcript } from './feed-messages.js';
import { bytes, span } from './format.js';

export class SequenceDiagram {
  readonly list = make('ol.dialogue');
  #story = '';
  #lines: HTMLLIElement[] = [];
  #shown: TranscriptEntry[] = [];

  /** `choose` hears the number of moments up to and with the one that was picked. */
  constructor(choose: (count: number) => void) {
    this.list.addEventListener('click', ({ target }) => {
      const line = target instanceof Element ? target.closest('li') : null;
      const place = line ? this.#lines.indexOf(line) : -1;
      if (place >= 0) choose(place + 1);
    });
  }

  /** `count`: how many moments have happened. */
  draw(story: Transcript, count: number): void {
    if (this.#story !== story.key) this.#clear(story.key);
    story.moments.forEach((moment, place) => this.#put(moment, place));
    for (const line of this.#lines.splice(story.moments.length)) line.remove();
    this.#shown.length = story.moments.length;
    this.#lines.forEach((line, place) => {
      const tense = place === count - 1 ? 'now' : place >= count ? 'later' : '';
      dress(line, [line.dataset.look, tense].filter(Boolean).join(' '));
      if (tense === 'now') line.setAttribute('aria-current', 'step');
      else line.removeAttribute('aria-current');
    });
  }

  /** Brings the chosen moment into sight. */
  follow(count: number): void {
    const line = this.#lines[count - 1];
    if (!line) return;
    const top = line.offsetTop;
    const { scrollTop, clientHeight } = this.list;
    const isInSight = top >= scrollTop && top + line.offsetHeight <= scrollTop + clientHeight;
    if (!isInSight) this.list.scrollTop = top - clientHeight / 2;
  }

  #clear(key: string): void {
    this.#story = key;
    this.#lines = [];
    this.#shown = [];
    this.list.replaceChildren();
  }

  /** A moment never changes once it was told. */
  #put(moment: TranscriptEntry, place: number): void {
    if (this.#shown[place]?.n === moment.n) return;
    const line = moment.kind === 'cell' ? cellLine(moment) : crossingLine(moment);
    this.#shown[place] = moment;
    const before = this.#lines[place];
    this.#lines[place] = line;
    if (before) before.replaceWith(line);
    else this.list.append(line);
  }
}

const timeOf = ({ at }: TranscriptEntry): HTMLElement => make('time', `+${span(at)}`);

function crossingLine(moment: MessageEntry): HTMLLIElement {
  const { kind, command, size } = moment;
  const pick = make('button.what', make('b', command), ` ${bytes(size)}`);
  pick.type = 'button';
  const line = make('li', timeOf(moment), make('span.arrow', pick));
  const troubled = moment.verdicts.length > 0 ? ' troubled' : '';
  line.dataset.look = `${kind}${troubled}`;
  return line;
}

function cellLine(moment: TransitionEntry): HTMLLIElement {
  const { lane, to, says, event, reason } = moment;
  const state = to === undefined ? [] : [make('b.state', to)];
  const pick = make('button.what', ...state, make('span.event', event), make('span.says', says));
  if (reason) pick.append(make('span.code', reason.code));
  pick.type = 'button';
  const line = make('li', timeOf(moment), pick);
  line.dataset.look = `cell ${lane} ${to ?? 'stays'}`;
  return line;
}
