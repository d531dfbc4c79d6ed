/**
 * The page at `/`: takes what the node tells, and draws at most ten times a second. The address behind `#` says what is
 * shown: `#/peers`, `#/peer/KEY`, `#/outcomes`, `#/log`, `#/lab`, `#/session/NAME` (a recorded connection).
 */
import { MachineChart, type Light } from './machine-chart.js';
import { byId, button, dress, make, say } from './dom.js';
import type { State, Transcript } from './feed-messages.js';
import { LabView } from './lab-view.js';
import { FeedSocket } from './feed-socket.js';
import { TransitionLog } from './transition-log.js';
import { drawOutcomes } from './outcomes-view.js';
import { PeerFacts } from './peer-facts.js';
import { TranscriptView } from './transcript-view.js';
import { PeerTable } from './peer-table.js';
import { isMove, isOver, STATES, stateAfter, PageState } from './page-state.js';

/** Between two drawings, milliseconds; a page that is slow to draw draws less often. */
const FRAME = 100;
/** Between two words on which rows are in sight. */
const GLANCE = 500;

const VIEWS = ['peers', 'peer', 'outcomes', 'log', 'lab'] as const;
type View = (typeof VIEWS)[number];

class Page {
  readonly #world = new PageState();
  readonly #table = new PeerTable(
    this.#world,
    () => this.#next(),
    (key) => go(key),
  );
  readonly #log = new TransitionLog(this.#world, (key) => go(key));
  readonly #scene = new TranscriptView(() => this.#next());
  readonly #labScene = new TranscriptView(() => this.#next());
  readonly #portrait = new PeerFacts();
  readonly #lab = new LabView(
    this.#world,
    (command) => this.#line.send({ token: this.#world.hello.lab?.token ?? '', lab: command }),
    (key) => this.#choose(key),
  );
  readonly #chips = new Map<State, HTMLButtonElement>();
  readonly #line: FeedSocket;
  #chart: MachineChart | undefined;
  #view: View = 'peers';
  #chosen = '';
  #session: Transcript | undefined;
  #isDue = false;
  #frame = 0;
  #cost = 0;
  #glance = '';
  #glancedat = 0;

  constructor() {
    for (const state of STATES) this.#chip(state);
    byId('peer-scene').append(this.#scene.root);
    byId('peer-portrait').append(this.#portrait.root);
    byId('lab-scene').append(this.#labScene.root);
    this.#line = new FeedSocket({
      opened: () => this.#opened(),
      lost: () => this.#link('lost', 'the node does not answer; this is what was known last'),
      told: (update) => {
        this.#world.take(update);
        this.#table.touch();
        if (!document.hidden && this.#view !== 'peer')
          for (const move of update.changes) this.#chart?.flash(move);
        this.#soon();
      },
    });
    addEventListener('hashchange', () => this.#route());
    addEventListener('keydown', (event) => this.#key(event));
    setInterval(() => this.#soon(), 1_000);
    void MachineChart.hang(byId('picture'), '/peer.svg').then((chart) => this.#hung(chart));
    this.#route();
  }

  #hung(chart: MachineChart | undefined): void {
    this.#chart = chart;
    byId('paper').hidden = !chart;
    this.#soon();
  }

  #opened(): void {
    this.#world.clear();
    this.#glance = '';
    this.#link('live', 'live');
    if (this.#chosen) this.#line.send({ choose: this.#chosen });
  }

  #link(classes: string, text: string): void {
    dress(byId('link'), classes);
    say(byId('link'), text);
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setTimeout(() => this.#next(), Math.max(FRAME, 4 * this.#cost));
  }

  /** With the browser's next frame: what a person does is not to wait. */
  #next(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const start = performance.now();
    this.#isDue = false;
    this.#frame = 0;
    this.#counts();
    const drawings: Readonly<Record<View, () => void>> = {
      peers: () => this.#peers(),
      peer: () => this.#peer(),
      outcomes: () => drawOutcomes(this.#world),
      log: () => this.#log.draw(),
      lab: () => this.#labour(),
    };
    drawings[this.#view]();
    this.#chart?.show(this.#light());
    this.#cost = performance.now() - start;
    performance.clearMeasures();
    performance.measure('update', { start });
  }

  #counts(): void {
    const { counts, hello } = this.#world;
    for (const [state, chip] of this.#chips) {
      say(chip.lastElementChild!, String(counts.get(state) ?? 0));
      chip.setAttribute('aria-pressed', String(this.#table.state === state));
    }
    byId('to-lab').hidden = !hello.lab;
    const sessions = byId('sessions');
    if (sessions.childElementCount === hello.sessions.length) return;
    sessions.replaceChildren(
      ...hello.sessions.map((name) =>
        button(name, () => (location.hash = `#/session/${encodeURIComponent(name)}`)),
      ),
    );
  }

  #chip(state: State): void {
    const chip = button('', () => this.#only(state), isOver(state) ? 'of the latest 1,000 that ended' : '');
    chip.className = `chip ${state}`;
    chip.append(make('span', state), make('b', '0'));
    this.#chips.set(state, chip);
    byId('states').append(chip);
  }

  #only(state: State): void {
    this.#table.state = this.#table.state === state ? '' : state;
    location.hash = '#/peers';
    this.#table.sort();
  }

  #peers(): void {
    const now = Date.now();
    this.#table.draw(now);
    const view = this.#table.view.slice(0, 100);
    const glance = view.join();
    if (glance === this.#glance || now - this.#glancedat < GLANCE) return;
    this.#glance = glance;
    this.#glancedat = now;
    this.#line.send({ view });
  }

  #peer(): void {
    const story = this.#story;
    const { reasons } = this.#world.hello;
    this.#scene.show(story, reasons);
    const name = story ? `${story.key} · ${stateAfter(story, this.#scene.count)}` : this.#chosen;
    say(byId('peer-title'), this.#session ? `recorded: ${name}` : `peer ${name}`);
    byId('peer-nothing').hidden = story !== undefined;
    byId('peer-portrait').hidden = !story;
    if (story) this.#portrait.show(story, reasons);
  }

  #labour(): void {
    this.#lab.draw();
    this.#labScene.show(this.#story, this.#world.hello.reasons);
  }

  /** The one that is looked at: recorded, or alive. */
  get #story(): Transcript | undefined {
    if (this.#session) return this.#session;
    return this.#world.story?.key === this.#chosen ? this.#world.story : undefined;
  }

  /** One peer where one is looked at, all of them elsewhere. */
  #light(): Light {
    const scene = this.#view === 'peer' ? this.#scene : this.#view === 'lab' ? this.#labScene : undefined;
    const story = scene && this.#story;
    if (!scene || !story) return { counts: this.#world.counts };
    const counts = new Map([[stateAfter(story, scene.count), 1]]);
    const move = story.moments.slice(0, scene.count).findLast(isMove);
    return move ? { counts, edge: { ...move, from: move.state } } : { counts };
  }

  #choose(key: string): void {
    if (key === this.#chosen) return;
    this.#chosen = key;
    this.#line.send({ choose: key });
    this.#soon();
  }

  #route(): void {
    const [, view = '', name = ''] = location.hash.split('/');
    const known = VIEWS.find((each) => each === view);
    this.#session = undefined;
    this.#view = view === 'session' ? 'peer' : (known ?? 'peers');
    if (this.#view === 'peer') this.#choose(decodeURIComponent(name));
    else if (this.#view !== 'lab') this.#choose('');
    if (view === 'session') void this.#open(decodeURIComponent(name));
    for (const each of VIEWS) byId(`view-${each}`).hidden = each !== this.#view;
    for (const link of document.querySelectorAll('nav a')) {
      if (link.getAttribute('href') === `#/${this.#view}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.#soon();
  }

  async #open(name: string): Promise<void> {
    const { hash } = location;
    const answer = await fetch(`/sessions/${encodeURIComponent(name)}`);
    const story = answer.ok ? ((await answer.json()) as Transcript) : undefined;
    // By now somebody may look at another one.
    if (location.hash === hash) this.#session = story;
    this.#soon();
  }

  #key(event: KeyboardEvent): void {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== 'range';
    if (event.key === 'Escape' && this.#view === 'peer') location.hash = '#/peers';
    if (event.key !== '/' || isTyping) return;
    event.preventDefault();
    location.hash = '#/peers';
    byId('filter').focus();
  }
}

const go = (key: string): void => {
  location.hash = `#/peer/${encodeURIComponent(key)}`;
};

new Page();
