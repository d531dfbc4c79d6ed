/** The view of transitions, the latest first. */
import { byId, make, setText } from './dom.js';
import type { StateChange } from './feed-messages.js';
import { clock, number } from './format.js';
import type { PageState } from './page-state.js';

/** Most lines in the document. */
const LINES = 200;

export class TransitionLog {
  readonly #list = byId('transitions');
  #drawn = 0;

  constructor(
    private readonly pageState: PageState,
    open: (key: string) => void,
  ) {
    this.#list.addEventListener('click', ({ target }) => {
      const key = target instanceof Element ? target.closest('li')?.dataset.key : undefined;
      if (key !== undefined) open(key);
    });
  }

  draw(): void {
    const { changes, changeCount, missed } = this.pageState;
    const fresh = Math.min(changeCount - this.#drawn, LINES, changes.length);
    this.#drawn = changeCount;
    for (const change of fresh > 0 ? changes.slice(-fresh) : []) this.#list.prepend(lineOf(change));
    while (this.#list.childElementCount > LINES) this.#list.lastElementChild?.remove();
    const left = missed > 0 ? `; ${number(missed)} omitted` : '';
    setText(byId('transitions-count'), changeCount === 0 ? 'none yet' : `${number(changeCount)}${left}`);
  }
}

function lineOf({ at, key, machine, from, to, event, description, code }: StateChange): HTMLLIElement {
  const name = make('button', machine === 'peer' ? key : `${key} v2`);
  name.type = 'button';
  const line = make(
    'li',
    make('time', clock(at)),
    name,
    make('span.from', from),
    make('b.state', to),
    make('span.event', event),
    make('span.description', code === '' ? description : code),
  );
  line.className = machine === 'peer' ? to : 'exchange';
  line.dataset.key = key;
  return line;
}
