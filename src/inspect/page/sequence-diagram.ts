/**
 * A transcript as a sequence diagram: this node on the left, the peer on the right, an arrow per message, transitions on
 * the line of this node. One entry is selected; later ones are dim.
 */
import { setClass, make } from './dom.js';
import type { TransitionEntry, MessageEntry, TranscriptEntry, Transcript } from './feed-messages.js';
import { bytes, span } from './format.js';

export class SequenceDiagram {
  readonly list = make('ol.sequence');
  #transcript = '';
  #lines: HTMLLIElement[] = [];
  #shown: TranscriptEntry[] = [];

  /** `select` is called with the number of entries up to and including the selected one. */
  constructor(select: (count: number) => void) {
    this.list.addEventListener('click', ({ target }) => {
      const line = target instanceof Element ? target.closest('li') : null;
      const place = line ? this.#lines.indexOf(line) : -1;
      if (place >= 0) select(place + 1);
    });
  }

  /** `count` is the number of entries up to and including the selected one. */
  show(transcript: Transcript, count: number): void {
    if (this.#transcript !== transcript.key) this.#clear(transcript.key);
    transcript.entries.forEach((entry, place) => this.#put(entry, place));
    for (const line of this.#lines.splice(transcript.entries.length)) line.remove();
    this.#shown.length = transcript.entries.length;
    this.#lines.forEach((line, place) => {
      const time = place === count - 1 ? 'now' : place >= count ? 'later' : '';
      setClass(line, [line.dataset.look, time].filter(Boolean).join(' '));
      if (time === 'now') line.setAttribute('aria-current', 'step');
      else line.removeAttribute('aria-current');
    });
  }

  /** Scrolls to the selected entry. */
  scrollTo(count: number): void {
    const line = this.#lines[count - 1];
    if (!line) return;
    const top = line.offsetTop;
    const { scrollTop, clientHeight } = this.list;
    const isVisible = top >= scrollTop && top + line.offsetHeight <= scrollTop + clientHeight;
    if (!isVisible) this.list.scrollTop = this.#topOf(line, clientHeight);
  }

  /** The scroll position at which the list begins with a complete line, and `line` is the last complete one. */
  #topOf(line: HTMLLIElement, height: number): number {
    const bottom = line.offsetTop + line.offsetHeight;
    return this.#lines.find(({ offsetTop }) => offsetTop >= bottom - height)?.offsetTop ?? line.offsetTop;
  }

  #clear(key: string): void {
    this.#transcript = key;
    this.#lines = [];
    this.#shown = [];
    this.list.replaceChildren();
  }

  /** The content of an entry does not change, except that the target of a transition is added. */
  #put(entry: TranscriptEntry, place: number): void {
    if (this.#shown[place]?.n === entry.n) return;
    const line = entry.kind === 'transition' ? transitionLine(entry) : messageLine(entry);
    this.#shown[place] = entry;
    const before = this.#lines[place];
    this.#lines[place] = line;
    if (before) before.replaceWith(line);
    else this.list.append(line);
  }
}

const timeOf = ({ at }: TranscriptEntry): HTMLElement => make('time', `+${span(at)}`);

function messageLine(entry: MessageEntry): HTMLLIElement {
  const { kind, command } = entry;
  const length = lengthOf(entry);
  const pick = make('button.what', make('b', command), ` ${length}`);
  pick.type = 'button';
  const line = make('li', timeOf(entry), make('span.arrow', pick));
  const faulty = entry.faults.length > 0 ? ' faulty' : '';
  line.dataset.look = `${kind}${faulty}`;
  return line;
}

/** The size of a message, or why it was dropped; both for bytes that ended the connection. */
function lengthOf({ dropped, size }: MessageEntry): string {
  if (dropped === undefined) return bytes(size);
  return size === 0 ? `dropped: ${dropped}` : `${bytes(size)}, dropped: ${dropped}`;
}

function transitionLine(entry: TransitionEntry): HTMLLIElement {
  const { machine, to, description, event, reason } = entry;
  const state = to === undefined ? [] : [make('b.state', to)];
  const pick = make(
    'button.what',
    ...state,
    make('span.event', event),
    make('span.description', description),
  );
  if (reason) pick.append(make('span.code', reason.code));
  pick.type = 'button';
  const line = make('li', timeOf(entry), pick);
  line.dataset.look = `transition ${machine} ${to ?? 'unchanged'}`;
  return line;
}
