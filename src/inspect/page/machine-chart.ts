/** The compiled picture of the peer machine, alive: how many peers are where, and which way they go. */
import { draw, say } from './dom.js';
import type { StateChange } from './feed-messages.js';
import { STATES } from './page-state.js';

/** How long an edge that was taken stays lit, milliseconds. */
const FLASH = 900;

/** What is lit: counts of many peers, or the place of one. */
export interface Light {
  readonly counts: ReadonlyMap<string, number>;
  /** The edge on which one peer came to where it is. */
  readonly edge?: Pick<StateChange, 'from' | 'to' | 'event' | 'says'>;
}

export class MachineChart {
  readonly #badges = new Map<string, SVGTextElement>();
  readonly #flashes = new Map<Element, Animation[]>();
  #held: Element | undefined;

  private constructor(private readonly svg: SVGSVGElement) {}

  /** Fetches the picture and hangs it up. Undefined when the node has none. */
  static async hang(place: Element, path: string): Promise<MachineChart | undefined> {
    const svg = await fetched(path);
    if (!svg) return undefined;
    place.append(svg);
    return new MachineChart(svg);
  }

  show({ counts, edge }: Light): void {
    for (const state of STATES) this.#light(state, counts.get(state) ?? 0);
    const now = edge && this.#edgeOf(edge);
    if (now === this.#held) return;
    this.#held?.classList.remove('taken');
    now?.classList.add('taken');
    this.#held = now;
  }

  /** An edge was taken just now. */
  flash(move: StateChange): void {
    const edge = move.lane === 'peer' ? this.#edgeOf(move) : undefined;
    if (!edge) return;
    for (const animation of this.#flashes.get(edge) ?? []) animation.cancel();
    const lines = [...edge.querySelectorAll('path, polygon, ellipse')];
    const lit = { stroke: 'var(--flash)', strokeWidth: '6px' };
    this.#flashes.set(
      edge,
      lines.map((line) => line.animate([lit, { ...lit, offset: 0.5 }], FLASH)),
    );
  }

  /** The edge whose title has the words of the cell; a deadline and `in any state` have edges of their own. */
  #edgeOf({
    from,
    to,
    event,
    says,
  }: Pick<StateChange, 'from' | 'to' | 'event' | 'says'>): Element | undefined {
    const after = event.startsWith('after ') ? `-${event.slice('after '.length)}` : '';
    const names = [from, 'handshaking', 'any'].flatMap((start) => [
      `edge-${start}-${to}${after}`,
      `edge-${start}-${to}`,
    ]);
    const edges = names.flatMap((name) => this.svg.getElementById(name) ?? []);
    const hasWords = (edge: Element): boolean =>
      edge.querySelector('title')?.textContent.includes(says) ?? false;
    return (says === '' ? undefined : edges.find(hasWords)) ?? edges[0];
  }

  #light(state: string, count: number): void {
    const group = this.svg.getElementById(`state-${state}`);
    if (!(group instanceof SVGGraphicsElement)) return;
    group.classList.toggle('lit', count > 0);
    const badge = this.#badges.get(state) ?? this.#badge(state, group);
    say(badge, count > 0 ? String(count) : '');
  }

  /** On the top right corner of the state's box. */
  #badge(state: string, group: SVGGraphicsElement): SVGTextElement {
    const { x, y, width } = group.getBBox();
    const badge = draw('text', { class: 'badge', x: x + width - 6, y: y + 10, 'text-anchor': 'end' });
    group.append(badge);
    this.#badges.set(state, badge);
    return badge;
  }
}

/** As a document from the start: text that became markup is what the page's policy forbids. */
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
