/** The compiled picture of one machine: how many actors are in each state, the transition of one, the deadlines in force. */
import { makeSvg, setText } from './dom.js';
import type { StateChange } from './feed-messages.js';
import { timeLabel } from './format.js';

/** How long a transition stays marked, milliseconds. */
const FLASH = 900;
/** Of the number in a state, pixels at scale 1. */
const BADGE_HEIGHT = 13;
const DIGIT_WIDTH = 7;
/** From its middle to the bottom of the state's box. */
const BADGE_BOTTOM = 10.5;
/** Smallest and largest scale; at 1 the text has 11 pixels. */
const MIN_SCALE = 0.25;
const MAX_SCALE = 4;

/** A transition of one actor. */
export type ChartEdge = Pick<StateChange, 'from' | 'to' | 'event' | 'description'>;

/** What is marked: counts of many actors, or the state of one and the transition that led there. */
export interface Marks {
  readonly counts: ReadonlyMap<string, number>;
  /** One actor: its state has no number. */
  readonly isSingle?: boolean;
  readonly edge?: ChartEdge;
}

export class MachineChart {
  readonly #badges = new Map<string, SVGGElement>();
  readonly #flashes = new Map<Element, Animation[]>();
  /** Text with a deadline, as compiled. */
  readonly #labels = new Map<Element, string>();
  readonly #states: readonly SVGGraphicsElement[];
  #taken: Element | undefined;
  #deadlines = '';
  #scale = 1;

  constructor(readonly svg: SVGSVGElement) {
    this.#states = [...svg.querySelectorAll<SVGGraphicsElement>('g.state[id^="state-"]')];
    this.scale = 1;
  }

  /** Fetches a picture; undefined when the node has none. */
  static async load(path: string): Promise<MachineChart | undefined> {
    const svg = await fetched(path);
    return svg && new MachineChart(svg);
  }

  get scale(): number {
    return this.#scale;
  }

  /** 1 is the size at which the text has 11 pixels. */
  set scale(scale: number) {
    this.#scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
    const { width, height } = this.svg.viewBox.baseVal;
    this.svg.setAttribute('width', String(Math.round(width * this.#scale)));
    this.svg.setAttribute('height', String(Math.round(height * this.#scale)));
  }

  /** The width at scale 1, pixels. */
  get width(): number {
    return this.svg.viewBox.baseVal.width;
  }

  /** The height at scale 1, pixels. */
  get height(): number {
    return this.svg.viewBox.baseVal.height;
  }

  /** Returns whether another state or transition is marked now. */
  show({ counts, isSingle = false, edge }: Marks): boolean {
    let isChanged = false;
    for (const group of this.#states) {
      const count = counts.get(group.id.slice('state-'.length)) ?? 0;
      isChanged = this.#mark(group, count, isSingle) || isChanged;
    }
    const taken = edge && this.#edgeOf(edge);
    if (taken === this.#taken) return isChanged;
    this.#taken?.classList.remove('taken');
    taken?.classList.add('taken');
    this.#taken = taken;
    return true;
  }

  /** The marked state, if there is exactly one. */
  get current(): Element | undefined {
    const current = this.#states.filter((group) => group.classList.contains('current'));
    return current.length === 1 ? current[0] : undefined;
  }

  /** A transition was taken just now. */
  flash(change: ChartEdge): void {
    const edge = this.#edgeOf(change);
    if (!edge) return;
    for (const animation of this.#flashes.get(edge) ?? []) animation.cancel();
    const lines = [...edge.querySelectorAll('path, polygon, ellipse')];
    const look = { stroke: 'var(--flash)', strokeWidth: '6px' };
    this.#flashes.set(
      edge,
      lines.map((line) => line.animate([look, { ...look, offset: 0.5 }], FLASH)),
    );
  }

  /** Shows these delays instead of the defaults; by the name of the delay, milliseconds. */
  setDeadlines(deadlines: Readonly<Record<string, number>>): void {
    const text = JSON.stringify(deadlines);
    if (text === this.#deadlines) return;
    this.#deadlines = text;
    for (const [name, ms] of Object.entries(deadlines))
      for (const element of this.#labelsOf(name)) this.#setDelay(element, ms);
  }

  #setDelay(element: Element, ms: number): void {
    const label = this.#labels.get(element) ?? element.textContent;
    this.#labels.set(element, label);
    setText(element, label.replace(/\d+ (?:ms|s|min)\b/, timeLabel(ms)));
  }

  /** Labels and tooltips with a delay: of its edges, of the boxes of reason codes, of the state that it limits. */
  #labelsOf(delay: string): Element[] {
    const edges = [...this.svg.querySelectorAll(`[id$="-${delay}"] :is(text, title)`)];
    const codes = [...this.svg.querySelectorAll('.codes text')];
    const states = delay === 'handshakeTimeout' ? [...this.svg.querySelectorAll('.state text')] : [];
    return [
      ...edges.filter(({ textContent }) => textContent.includes('after ')),
      ...codes.filter(({ nextElementSibling }) => nextElementSibling?.textContent === delay),
      ...states.filter(({ textContent }) => textContent.endsWith(' in all')),
    ];
  }

  /** The edge whose title has the description; a deadline and `in any state` have edges of their own. */
  #edgeOf({ from, to, event, description }: ChartEdge): Element | undefined {
    const after = event.startsWith('after ') ? `-${event.slice('after '.length)}` : '';
    const names = [from, 'handshaking', 'any'].flatMap((start) => [
      `edge-${start}-${to}${after}`,
      `edge-${start}-${to}`,
    ]);
    const edges = names.flatMap((name) => this.svg.getElementById(name) ?? []);
    const isDescribed = (edge: Element): boolean =>
      edge.querySelector('title')?.textContent.includes(description) ?? false;
    const described = description === '' ? undefined : edges.find(isDescribed);
    // The overview has one edge to `failed` for several transitions.
    return described ?? (to === 'failed' || description === '' ? edges[0] : undefined);
  }

  #mark(group: SVGGraphicsElement, count: number, isSingle: boolean): boolean {
    const wasCurrent = group.classList.contains('current');
    group.classList.toggle('current', count > 0);
    group.classList.toggle('counted', count > 0 && !isSingle);
    this.#setBadge(this.#badges.get(group.id) ?? this.#addBadge(group), isSingle ? 0 : count);
    return wasCurrent !== count > 0;
  }

  #setBadge({ firstElementChild: box, lastElementChild: text }: SVGGElement, count: number): void {
    const label = count > 0 ? String(count) : '';
    if (!box || !text || text.textContent === label) return;
    setText(text, label);
    const width = label === '' ? 0 : Math.max(BADGE_HEIGHT, (label.length + 1) * DIGIT_WIDTH);
    box.setAttribute('width', String(width));
    box.setAttribute('x', String(-width / 2));
  }

  /** Below the name, which moves up, inside the state's box: arrow heads are outside. */
  #addBadge(group: SVGGraphicsElement): SVGGElement {
    const { x, y, width, height } = group.getBBox();
    const badge = makeSvg('g', {
      class: 'badge',
      transform: `translate(${x + width / 2} ${y + height - BADGE_BOTTOM})`,
    });
    const shape = { height: BADGE_HEIGHT, y: -BADGE_HEIGHT / 2, rx: BADGE_HEIGHT / 2 };
    badge.append(makeSvg('rect', shape), makeSvg('text', { y: 4 }));
    group.append(badge);
    this.#badges.set(group.id, badge);
    return badge;
  }
}

/** As a document from the start: the page's policy forbids text that becomes markup. */
function fetched(path: string): Promise<SVGSVGElement | undefined> {
  const request = new XMLHttpRequest();
  return new Promise((resolve) => {
    request.open('GET', path);
    request.responseType = 'document';
    request.addEventListener('loadend', () => {
      const root = request.responseXML?.documentElement;
      const copy = root && document.importNode(root, true);
      resolve(copy instanceof SVGSVGElement ? copy : undefined);
    });
    request.send();
  });
}
