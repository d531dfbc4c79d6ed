/** The log of transitions, the latest on top. */
import { byId, make, say } from './dom.js';
import type { StateChange } from './feed-messages.js';
import { clock, number } from './format.js';
import type { PageState } from './page-state.js';

/** Lines that are in the document. */
const LINES = 200;

export class TransitionLog {
  readonly #list = byId('log');
  #drawn = 0;

  constructor(
    private readonly world: PageState,
    open: (key: string) => void,
  ) {
    this.#list.addEventListener('click', ({ target }) => {
      const key = target instanceof Element ? target.closest('li')?.dataset.key : undefined;
      if (key !== undefined) open(key);
    });
  }

  draw(): void {
    const { moves, moved, missed } = this.world;
    const fresh = Math.min(moved - this.#drawn, LINES, moves.length);
    this.#drawn = moved;
    for (const move of fresh > 0 ? moves.slice(-fresh) : []) this.#list.prepend(lineOf(move));
    while (this.#list.childElementCount > LINES) this.#list.lastElementChild?.remove();
    const left = missed > 0 ? `; ${number(missed)} came too fast to be told` : '';
    say(byId('log-count'), moved === 0 ? 'none yet' : `${number(moved)}${left}`);
  }
}

function lineOf({ at, key, lane, from, to, event, says, code }: StateChange): HTMLLIElement {
  const name = make('button', lane === 'peer' ? key : `${key} v2`);
  name.type = 'button';
  const line = make(
    'li',
    make('time', clock(at)),
    name,
    make('span.from', from),
    make('b.state', to),
    make('span.event', event),
    make('span.says', code === '' ? says : code),
  );
  line.className = lane === 'peer' ? to : 'exchange';
  line.dataset.key = key;
  return line;
}
