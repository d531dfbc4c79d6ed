/**
 * The page at `/`: applies the updates of the node and draws at most ten times a second. The part of the address after `#`
 * is the view: `#/peers`, `#/peer/KEY`, `#/targets`, `#/crawl`, `#/outcomes`, `#/transitions`, `#/lab`, `#/glossary` and
 * `#/session/NAME` (a recorded connection).
 */
import { ChartPanel } from './chart-panel.js';
import { byId, button, make, setClass, setText } from './dom.js';
import type { MachineName, State, Transcript, Update } from './feed-messages.js';
import { FeedSocket } from './feed-socket.js';
import { GLOSSARY } from './glossary.js';
import { LabView } from './lab-view.js';
import type { Marks } from './machine-chart.js';
import { drawCrawl } from './crawl-view.js';
import { drawOutcomes } from './outcomes-view.js';
import { isOver, isStateChange, PageState, STATES, stateAfter } from './page-state.js';
import { localAddressText } from './peer-facts.js';
import { PeerTable } from './peer-table.js';
import { drawTargets } from './targets-view.js';
import { TranscriptView } from './transcript-view.js';
import { TransitionLog } from './transition-log.js';

/** Least milliseconds between two drawings; if drawing takes long, the page draws less often. */
const FRAME = 100;
/** Milliseconds between two reports of the visible rows. */
const VISIBLE_INTERVAL = 500;

const VIEWS = ['peers', 'peer', 'targets', 'crawl', 'outcomes', 'transitions', 'lab', 'glossary'] as const;
/** The chart next to a view, if it is not that of the peer. */
const CHARTS: Readonly<Partial<Record<string, string>>> = { targets: 'outbound', crawl: 'crawl' };
type View = (typeof VIEWS)[number];

class Page {
  readonly #pageState = new PageState();
  readonly #table = new PeerTable(
    this.#pageState,
    () => this.#drawSoon(),
    (key) => open(key),
  );
  readonly #log = new TransitionLog(this.#pageState, (key) => open(key));
  readonly #peerView = new TranscriptView(() => this.#drawSoon());
  readonly #labTranscript = new TranscriptView(() => this.#drawSoon());
  readonly #lab = new LabView(
    this.#pageState,
    (command) => this.#socket.send({ token: this.#pageState.start.lab?.token ?? '', lab: command }),
    (key) => this.#select(key),
  );
  readonly #chart = new ChartPanel(() => this.#drawSoon());
  readonly #chips = new Map<State, HTMLButtonElement>();
  readonly #socket: FeedSocket;
  #view: View = 'peers';
  #selected = '';
  #session: Transcript | undefined;
  #isDue = false;
  #frame = 0;
  #cost = 0;
  #visible = '';
  #visibleat = 0;

  constructor() {
    for (const state of STATES) this.#addChip(state);
    byId('peer-transcript').append(this.#peerView.root);
    byId('lab-transcript').append(this.#labTranscript.root);
    byId('peers-local').title = GLOSSARY.addrlocal ?? '';
    byId('glossary').append(
      ...Object.entries(GLOSSARY).flatMap(([term, text]) => [make('dt', term), make('dd', text)]),
    );
    this.#socket = new FeedSocket({
      opened: () => this.#opened(),
      lost: () => this.#showLink('lost', 'the node does not answer; the page shows the last known state'),
      received: (update) => this.#apply(update),
    });
    addEventListener('hashchange', () => this.#changeView());
    addEventListener('keydown', (event) => this.#onKey(event));
    setInterval(() => this.#drawLater(), 1_000);
    this.#route();
  }

  #apply(update: Update): void {
    this.#pageState.apply(update);
    // Not before the first update: it has the token without which the node ignores the commands of the lab.
    this.#showLink('live', 'live');
    this.#table.markChanged();
    this.#chart.offer(this.#pageState.start.machines);
    this.#lab.offer(this.#pageState.start.lab);
    if (!document.hidden && this.#view !== 'peer')
      for (const change of update.changes)
        if (change.machine === this.#chart.machine) this.#chart.flash(change);
    this.#drawLater();
  }

  #opened(): void {
    this.#pageState.clear();
    this.#visible = '';
    if (this.#selected) this.#socket.send({ select: this.#selected });
  }

  #showLink(classes: string, text: string): void {
    setClass(byId('link'), classes);
    setText(byId('link'), text);
  }

  #drawLater(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#drawSoon(), Math.max(FRAME, 4 * this.#cost));
  }

  /** Draws in the next frame of the browser, so that the page reacts to the user at once. */
  #drawSoon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const start = performance.now();
    this.#isDue = false;
    this.#frame = 0;
    this.#drawCounts();
    const drawings: Readonly<Record<View, () => void>> = {
      peers: () => this.#drawPeers(),
      peer: () => this.#drawPeer(),
      targets: () => drawTargets(this.#pageState, Date.now()),
      crawl: () => drawCrawl(this.#pageState),
      outcomes: () => drawOutcomes(this.#pageState),
      transitions: () => this.#log.draw(),
      lab: () => this.#drawLab(),
      glossary: () => undefined,
    };
    drawings[this.#view]();
    this.#chart.show(this.#marks(), this.#deadlines());
    this.#cost = performance.now() - start;
    performance.clearMeasures();
    performance.measure('update', { start });
  }

  #drawCounts(): void {
    const { counts, start, crawl } = this.#pageState;
    for (const [state, chip] of this.#chips) {
      setText(chip.lastElementChild!, String(counts.get(state) ?? 0));
      chip.setAttribute('aria-pressed', String(this.#table.state === state));
    }
    byId('to-lab').hidden = !start.lab;
    byId('to-crawl').hidden = !crawl;
    const sessions = byId('sessions');
    if (sessions.childElementCount === start.sessions.length) return;
    sessions.replaceChildren(
      ...start.sessions.map((name) =>
        button(
          name,
          () => (location.hash = `#/session/${encodeURIComponent(name)}`),
          'a recorded connection',
        ),
      ),
    );
  }

  #addChip(state: State): void {
    const ended = isOver(state) ? ' Counts the latest 1,000 that ended.' : '';
    const title = `${GLOSSARY[state] ?? 'The connection is being opened.'}${ended} Shows only these peers.`;
    const chip = button('', () => this.#filterState(state), title);
    chip.className = `chip ${state}`;
    chip.append(make('span', state), make('b', '0'));
    this.#chips.set(state, chip);
    byId('states').append(chip);
  }

  #filterState(state: State): void {
    this.#table.state = this.#table.state === state ? '' : state;
    location.hash = '#/peers';
    this.#table.sort();
  }

  #drawPeers(): void {
    const now = Date.now();
    this.#table.draw(now);
    setText(byId('peers-local'), localAddressText(this.#pageState.localAddresses));
    const keys = this.#table.visible.slice(0, 100);
    const visible = keys.join();
    if (visible === this.#visible || now - this.#visibleat < VISIBLE_INTERVAL) return;
    this.#visible = visible;
    this.#visibleat = now;
    this.#socket.send({ visible: keys });
  }

  #drawPeer(): void {
    const transcript = this.#transcript;
    this.#peerView.show(transcript, this.#pageState.start.reasons);
    const state = transcript && stateAfter(transcript, this.#peerView.count);
    const name = transcript ? `${transcript.key} · ${state}` : this.#selected;
    setText(byId('peer-title'), this.#session ? `recorded: ${name}` : `peer ${name}`);
    setText(byId('peer-address'), transcript ? addressOf(transcript) : '');
    byId('peer-nothing').hidden = transcript !== undefined;
  }

  #drawLab(): void {
    this.#lab.draw();
    this.#labTranscript.show(this.#transcript, this.#pageState.start.reasons);
  }

  /** The transcript of the selected peer, recorded or live. */
  get #transcript(): Transcript | undefined {
    if (this.#session) return this.#session;
    const { transcript } = this.#pageState;
    return transcript?.key === this.#selected ? transcript : undefined;
  }

  get #transcriptView(): TranscriptView | undefined {
    return this.#view === 'peer' ? this.#peerView : this.#view === 'lab' ? this.#labTranscript : undefined;
  }

  /** The state of the selected peer, or the counts of all actors of the machine. */
  #marks(): Marks {
    const { machine } = this.#chart;
    const [view, transcript] = [this.#transcriptView, this.#transcript];
    if (view && transcript && (machine === 'peer' || machine === 'transport'))
      return marksOf(transcript, view.count, machine);
    if (machine === 'peer') return { counts: this.#pageState.counts };
    const { crawl } = this.#pageState;
    if (machine === 'crawl' && crawl) return { counts: new Map([[crawl.state, 1]]) };
    return { counts: this.#pageState.actorCounts(machine) };
  }

  /** The deadlines of the node of the selected peer; without one, of the first node. */
  #deadlines(): Readonly<Record<string, number>> {
    const { deadlines } = this.#pageState.actors;
    const node = this.#transcriptView ? this.#selected.replace(/\.?\d+$/, '') : '';
    return { ...deadlines[node], ...this.#pageState.supervisorDelays(node) };
  }

  #select(key: string): void {
    if (key === this.#selected) return;
    this.#selected = key;
    this.#socket.send({ select: key });
    this.#drawLater();
  }

  #route(): void {
    const [, view = '', name = ''] = location.hash.split('/');
    const known = VIEWS.find((each) => each === view);
    this.#session = undefined;
    this.#view = view === 'session' ? 'peer' : (known ?? 'peers');
    if (this.#view === 'peer') this.#select(decodeURIComponent(name));
    else if (this.#view !== 'lab') this.#select('');
    if (view === 'session') void this.#openSession(decodeURIComponent(name));
    this.#chart.suggest(CHARTS[this.#view] ?? 'peer');
    for (const each of VIEWS) byId(`view-${each}`).hidden = each !== this.#view;
    byId('states').hidden = this.#view !== 'peers';
    for (const link of document.querySelectorAll('nav a')) {
      if (link.getAttribute('href') === `#/${this.#view}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#drawLater();
  }

  /** Moves the focus to the view that was opened; when returning from a peer, to the table. */
  #changeView(): void {
    const before = this.#view;
    this.#route();
    if (document.activeElement instanceof HTMLInputElement) return;
    const isBack = before === 'peer' && this.#view === 'peers';
    byId(isBack ? 'peers-scroll' : `${this.#view}-title`).focus({ preventScroll: true });
  }

  async #openSession(name: string): Promise<void> {
    const { hash } = location;
    const answer = await fetch(`/sessions/${encodeURIComponent(name)}`);
    const transcript = answer.ok ? ((await answer.json()) as Transcript) : undefined;
    // Another view may have been opened in the meantime.
    if (location.hash === hash) this.#session = transcript;
    this.#drawLater();
  }

  #onKey(event: KeyboardEvent): void {
    const { target, key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (key === 'Escape' && this.#view === 'peer') location.hash = '#/peers';
    if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return;
    if (key === '/') this.#focusFilter(event);
    else if (this.#transcriptView?.handleKey(key)) event.preventDefault();
  }

  #focusFilter(event: KeyboardEvent): void {
    event.preventDefault();
    location.hash = '#/peers';
    byId('view-peers').hidden = false;
    byId('filter').focus();
  }
}

/** The state after `count` entries, and the transition that led there. */
function marksOf(transcript: Transcript, count: number, machine: MachineName): Marks {
  const counts = new Map([[stateAfter(transcript, count, machine), 1]]);
  const change = transcript.entries.slice(0, count).findLast((entry) => isStateChange(entry, machine));
  return change?.kind === 'transition'
    ? { counts, isSingle: true, edge: { ...change, from: change.state, to: change.to ?? '' } }
    : { counts, isSingle: true };
}

/** `out 127.0.0.1:8333 /Satoshi:29.0.0/`. */
const addressOf = ({ inbound, facts }: Transcript): string =>
  [inbound ? 'in' : 'out', facts.addr, facts.subver].map(String).join(' ');

const open = (key: string): void => {
  location.hash = `#/peer/${encodeURIComponent(key)}`;
};

new Page();
