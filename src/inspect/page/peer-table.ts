/** The table of peers. Only the visible rows are in the document, so that it can have thousands of rows. */
import {
  type Column,
  COLUMNS,
  DROP_ORDER,
  droppedColumns,
  hasTwoLines,
  NEWEST,
  type Order,
  ordered,
  readingTime,
} from './columns.js';
import { byId, setClass, make, setText } from './dom.js';
import type { Row } from './feed-messages.js';
import { isOver, type PageState } from './page-state.js';

/** Height of a row with one line and with two, pixels; must be the same as in style.css. */
const HEIGHT = 26;
const TWO_LINES_HEIGHT = 46;
const MARGIN = 6;
/** Milliseconds between two sortings of many rows. */
const SORTING = 500;
const MANY = 2_000;

export class PeerTable {
  readonly #scroll = byId('peers-scroll');
  readonly #body = byId('peers-rows');
  readonly #above = make('tr.space', make('td'));
  readonly #below = make('tr.space', make('td'));
  readonly #lines: HTMLTableRowElement[] = [];
  #order: Order = NEWEST;
  #rows: Row[] = [];
  #first = 0;
  #active = '';
  #stale = true;
  #width = 0;
  #height = HEIGHT;
  #sortedat = 0;
  /** The state of the peers that are shown; empty for all. */
  state = '';

  constructor(
    private readonly pageState: PageState,
    private readonly changed: () => void,
    private readonly open: (key: string) => void,
  ) {
    this.#heads();
    this.#body.append(this.#above, this.#below);
    this.#scroll.addEventListener('scroll', changed, { passive: true });
    this.#scroll.addEventListener('keydown', (event) => this.#key(event));
    this.#body.addEventListener('click', ({ target }) => this.#click(target));
    byId('filter').addEventListener('input', () => this.sort());
  }

  /** Keys of the visible rows. */
  get visible(): string[] {
    return this.#rows.slice(this.#first, this.#first + this.#lines.length).map(({ key }) => key);
  }

  /** Call this when rows were added, removed or changed. */
  markChanged(): void {
    this.#stale = true;
  }

  sort(): void {
    this.#stale = true;
    this.#sortedat = 0;
    this.changed();
  }

  draw(now: number): void {
    if (this.#stale && (this.pageState.rows.size < MANY || now - this.#sortedat > SORTING)) this.#sort(now);
    this.#dropColumns();
    const { scrollTop, clientHeight } = this.#scroll;
    const count = Math.ceil(clientHeight / this.#height) + 2 * MARGIN;
    const last = Math.max(0, this.#rows.length - count);
    this.#first = Math.min(last, Math.max(0, Math.floor(scrollTop / this.#height) - MARGIN));
    const shown = this.#rows.slice(this.#first, this.#first + count);
    this.#fit(shown.length);
    shown.forEach((row, place) => this.#fill(this.#lines[place]!, row, place, now));
    this.#above.style.height = `${this.#first * this.#height}px`;
    this.#below.style.height = `${(this.#rows.length - this.#first - shown.length) * this.#height}px`;
  }

  #sort(now: number): void {
    this.#stale = false;
    this.#sortedat = now;
    const filter = (byId('filter') as HTMLInputElement).value;
    this.#rows = ordered(this.pageState.rows.values(), this.#order, filter, this.state);
    const [some, all] = [this.#rows.length, this.pageState.rows.size];
    setText(byId('peers-count'), some === all ? `${all}` : `${some} of ${all}`);
    byId('peers').setAttribute('aria-rowcount', String(some + 1));
  }

  #heads(): void {
    const heads = COLUMNS.map(({ head, about, width, number }, by) => {
      const cell = make(number ? 'th.number' : 'th');
      const press = make('button', head);
      press.type = 'button';
      press.title = `${about}; press to sort`;
      press.addEventListener('click', () => this.#orderBy(by));
      cell.scope = 'col';
      // The last column has no fixed width and takes the rest.
      if (by < COLUMNS.length - 1) cell.style.width = `${width}px`;
      cell.append(press);
      return cell;
    });
    byId('peers-heads').append(...heads);
  }

  /** Hides the columns that do not fit, and lists them on the page. */
  #dropColumns(): void {
    const { clientWidth } = this.#scroll;
    if (clientWidth === this.#width) return;
    this.#width = clientWidth;
    const dropped = droppedColumns(clientWidth);
    COLUMNS.forEach(({ head }, place) =>
      byId('peers').classList.toggle(`without-${place}`, dropped.has(head)),
    );
    this.#setLines(hasTwoLines(clientWidth));
    const note = byId('peers-hidden');
    setText(
      note,
      dropped.size === 0 || hasTwoLines(clientWidth)
        ? ''
        : `Hidden because the window is narrow: ${[...dropped].join(', ')}.`,
    );
    note.title = `a narrow window hides columns in this order: ${DROP_ORDER.join(', ')}`;
  }

  #setLines(two: boolean): void {
    this.#height = two ? TWO_LINES_HEIGHT : HEIGHT;
    byId('peers').classList.toggle('two-lines', two);
  }

  /** The first press sorts ascending, the second descending, the third ends the sorting. */
  #orderBy(by: number): void {
    const { by: before, down } = this.#order;
    this.#order = by !== before ? { by, down: false } : down ? NEWEST : { by, down: true };
    [...byId('peers-heads').children].forEach((cell, place) => {
      const sorted = place !== this.#order.by ? 'none' : this.#order.down ? 'descending' : 'ascending';
      cell.setAttribute('aria-sort', sorted);
    });
    this.sort();
  }

  #fit(count: number): void {
    while (this.#lines.length > count) this.#lines.pop()?.remove();
    while (this.#lines.length < count) {
      const line = make(
        'tr',
        ...COLUMNS.map(({ number, foreign }) => make(number ? 'td.number' : foreign ? 'td.foreign' : 'td')),
      );
      this.#lines.push(line);
      this.#below.before(line);
    }
  }

  #fill(line: HTMLTableRowElement, row: Row, place: number, now: number): void {
    const at = readingTime(row, now);
    line.dataset.key = row.key;
    line.id = `row-${row.key}`;
    line.setAttribute('aria-rowindex', String(this.#first + place + 2));
    COLUMNS.forEach((column, nth) => fillCell(line.cells[nth]!, column, column.text(row, at)));
    const classes = [row.state, isOver(row.state) ? 'over' : '', row.key === this.#active ? 'active' : ''];
    setClass(line, classes.filter(Boolean).join(' '));
  }

  #click(target: EventTarget | null): void {
    const key = target instanceof Element ? target.closest('tr')?.dataset.key : undefined;
    if (key !== undefined) this.open(key);
  }

  #key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && this.#active && event.target === this.#scroll)
      return this.open(this.#active);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: 15,
      PageUp: -15,
      Home: -1e9,
      End: 1e9,
    };
    const step = steps[event.key];
    if (step === undefined || this.#rows.length === 0) return;
    event.preventDefault();
    this.#step(step);
  }

  #step(step: number): void {
    const here = this.#rows.findIndex(({ key }) => key === this.#active);
    const place = Math.min(this.#rows.length - 1, Math.max(0, (here < 0 && step > 0 ? -1 : here) + step));
    this.#active = this.#rows[place]!.key;
    const top = place * this.#height;
    const { scrollTop, clientHeight } = this.#scroll;
    if (top < scrollTop) this.#scroll.scrollTop = top;
    else if (top + 2 * this.#height > scrollTop + clientHeight)
      this.#scroll.scrollTop = top + 2 * this.#height - clientHeight;
    this.#scroll.setAttribute('aria-activedescendant', `row-${this.#active}`);
    this.changed();
  }
}

/** Sets the text of a cell. Text of a peer is the tooltip too, since it can be longer than its column. */
function fillCell(cell: HTMLTableCellElement, { foreign }: Column, text: string): void {
  if (cell.textContent === text) return;
  cell.textContent = text;
  if (foreign) cell.title = text;
}
