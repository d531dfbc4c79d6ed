/** The panel with the chart: selects the machine, overview or detail, and the scale; moves the chart by dragging. */
import { button, byId, setText } from './dom.js';
import type { ChartEdge, Marks } from './machine-chart.js';
import { MachineChart } from './machine-chart.js';

const ZOOM = 1.25;
/** The smallest and largest scale that is set automatically; text is then at least 10 pixels high. */
const MIN_READABLE = 0.82;
const MAX_CHOSEN = 1.5;

const ABOUT = {
  counts: 'Numbers count the actors in a state.',
  single: 'The state of this peer, and the transition that led to it.',
  overview: 'Red arrows lead to a failure. Hover over a state or an arrow for its text.',
  detail: 'Every transition with its effects, deadlines and reason codes.',
} as const;

export class ChartPanel {
  readonly #scroll = byId('chart-scroll');
  readonly #select = byId('chart-machine') as HTMLSelectElement;
  readonly #mode = button('detail', () => this.#toggle(), 'shows every transition with its text');
  #isDetailed = false;
  #chart: MachineChart | undefined;
  #path = '';
  #isChosen = false;
  /** Whether the user has set the scale of this chart. */
  #isZoomed = false;
  #suggested = '';

  /** `changed` is called when another chart is shown. */
  constructor(private readonly changed: () => void) {
    byId('chart-tools').append(
      this.#mode,
      button('−', () => this.#zoom(1 / ZOOM), 'smaller'),
      button('+', () => this.#zoom(ZOOM), 'larger'),
      button('fit', () => this.#fit(), 'as wide as the panel'),
    );
    this.#select.addEventListener('change', () => {
      this.#isChosen = true;
      this.#load();
    });
    this.#scroll.addEventListener('pointerdown', (event) => this.#drag(event));
    new ResizeObserver(() => this.#refit()).observe(this.#scroll);
  }

  /** The machine whose chart is shown. */
  get machine(): string {
    return this.#select.value;
  }

  /** Offers the machines of the node. */
  offer(machines: readonly string[]): void {
    if (this.#select.options.length === machines.length) return;
    this.#select.replaceChildren(...machines.map((name) => new Option(`${name} machine`, name)));
    if (machines.includes(this.#suggested)) this.#select.value = this.#suggested;
    this.#load();
  }

  /** Selects the machine of a view, unless the user has selected one. */
  suggest(machine: string): void {
    this.#suggested = machine;
    if (this.#isChosen || this.#select.value === machine) return;
    this.#select.value = machine;
    this.#load();
  }

  show(marks: Marks, deadlines: Readonly<Record<string, number>>): void {
    if (!this.#chart) return;
    const kind = ABOUT[this.#isDetailed ? 'detail' : 'overview'];
    setText(byId('chart-about'), `${ABOUT[marks.isSingle ? 'single' : 'counts']} ${kind}`);
    this.#chart.setDeadlines(deadlines);
    if (this.#chart.show(marks)) this.#centre();
  }

  flash(change: ChartEdge): void {
    this.#chart?.flash(change);
  }

  #toggle(): void {
    this.#isDetailed = !this.#isDetailed;
    setText(this.#mode, this.#isDetailed ? 'overview' : 'detail');
    this.#load();
  }

  #load(): void {
    const path = `/charts/${this.machine}${this.#isDetailed ? '' : '.overview'}.svg`;
    if (this.machine === '' || path === this.#path) return;
    this.#path = path;
    void MachineChart.load(path).then((chart) => path === this.#path && this.#put(chart));
  }

  #put(chart: MachineChart | undefined): void {
    this.#chart = chart;
    byId('chart').hidden = false;
    if (!chart) setText(byId('chart-about'), 'There is no chart of this machine.');
    this.#scroll.replaceChildren(...(chart ? [chart.svg] : []));
    this.#isZoomed = false;
    this.#refit();
    this.#scroll.scrollLeft = (this.#scroll.scrollWidth - this.#scroll.clientWidth) / 2;
    this.changed();
  }

  #zoom(factor: number): void {
    this.#isZoomed = true;
    if (this.#chart) this.#chart.scale *= factor;
    this.#centre();
  }

  #fit(): void {
    this.#isZoomed = true;
    if (this.#chart) this.#chart.scale = this.#scroll.clientWidth / this.#chart.width;
  }

  #refit(): void {
    if (!this.#chart || this.#isDetailed || this.#isZoomed) return;
    this.#fitReadable(this.#chart);
    this.#centre();
  }

  /** Fits the chart into the panel, which is as wide as the chart needs, unless the text would be too small. */
  #fitReadable(chart: MachineChart): void {
    document.body.style.setProperty('--chart-width', String(chart.width));
    const { clientWidth, clientHeight } = this.#scroll;
    const isBounded = getComputedStyle(this.#scroll).flexGrow !== '0';
    const fit = Math.min(clientWidth / chart.width, isBounded ? clientHeight / chart.height : Infinity);
    chart.scale = Math.min(MAX_CHOSEN, Math.max(MIN_READABLE, fit));
  }

  /** Scrolls to the current state. */
  #centre(): void {
    const current = this.#chart?.current;
    if (!current) return;
    const [box, view] = [current.getBoundingClientRect(), this.#scroll.getBoundingClientRect()];
    this.#scroll.scrollLeft += box.left + box.width / 2 - view.left - view.width / 2;
    this.#scroll.scrollTop += box.top + box.height / 2 - view.top - view.height / 2;
  }

  #drag(down: PointerEvent): void {
    if (down.pointerType !== 'mouse' || down.button !== 0) return;
    const { scrollLeft, scrollTop } = this.#scroll;
    const move = (event: PointerEvent): void => {
      this.#scroll.scrollLeft = scrollLeft + down.clientX - event.clientX;
      this.#scroll.scrollTop = scrollTop + down.clientY - event.clientY;
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', () => removeEventListener('pointermove', move), { once: true });
  }
}
