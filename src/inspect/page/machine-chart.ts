/** The generated chart of one machine, with the number of actors in each state, the last transition of one actor, and the current deadlines. */
import { makeSvg, setText } from './dom.js';
import type { StateChange } from './feed-messages.js';
import { timeLabel } from './format.js';

/** Milliseconds for which a transition is highlighted. */
const FLASH = 900;
/** Size of the number in a state, pixels at scale 1. */
const BADGE_HEIGHT = 13;
const DIGIT_WIDTH = 7;
/** Distance from its centre to the bottom of the box of the state. */
const BADGE_BOTTOM = 10.5;
/** Smallest and largest scale; at scale 1 the text is 11 pixels high. */
const MIN_SCALE = 0.25;
const MAX_SCALE = 4;

/** A transition of one actor. */
export type ChartEdge = Pick<StateChange, 'from' | 'to' | 'event' | 'description'>;

/** What is marked: the counts of many actors, or the state of one and the transition that led to it. */
export interface Marks {
  readonly counts: ReadonlyMap<string, number>;
  /** Whether it is one actor, whose state shows no number. */
  readonly isSingle?: boolean;
  readonly edge?: ChartEdge;
}

export class MachineChart {
  readonly #badges = new Map<string, SVGGElement>();
  readonly #flashes = new Map<Element, Animation[]>();
  /** The generated text of labels with a deadline. */
  readonly #labels = new Map<Element, string>();
  readonly #states: readonly SVGGraphicsElement[];
  #taken: Element | undefined;
  #deadlines = '';
  #scale = 1;

  constructor(readonly svg: SVGSVGElement) {
    this.#states = [...svg.querySelectorAll<SVGGraphicsElement>('g.state[id^="state-"]')];
    this.scale = 1;
  }

  /** Fetches a chart; undefined if the server has none. */
  static async load(path: string): Promise<MachineChart | undefined> {
    const svg = await fetched(path);
    return svg && new MachineChart(svg);
  }

  get scale(): number {
    return this.#scale;
  }

  /** At scale 1 the text is 11 pixels high. */
  set scale(scale: number) {
    this.#scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
    const { width, height } = this.svg.viewBox.baseVal;
    this.svg.setAttribute('width', String(Math.round(width * this.#scale)));
    this.svg.setAttribute('height', String(Math.round(height * this.#scale)));
  }

  /** The width at scale 1 in pixels. */
  get width(): number {
    return this.svg.viewBox.baseVal.width;
  }

  /** The height at scale 1 in pixels. */
  get height(): number {
    return this.svg.viewBox.baseVal.height;
  }

  /** Marks states and a transition; returns whether the marks have changed. */
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

  /** Highlights a transition for a moment. */
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

  /** Shows these delays, in milliseconds by name, instead of the defaults. */
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

  /** The labels and tooltips that contain a delay: of edges, of boxes of reason codes, and of the state that it limits. */
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

  /** The edge whose title contains the description; deadlines and `in any state` have separate edges. */
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

  /** Adds the number inside the box of the state, below its name, since arrow heads are outside of the box. */
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

/** Fetches an SVG as a document, since the policy of the page forbids parsing text as markup. */
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
