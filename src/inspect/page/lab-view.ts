/** The controls of the lab: starts peers with a chosen behaviour, sends messages in their name, controls the clock. */
import { button, byId, make, setClass, setText } from './dom.js';
import type { LabCommand, LabMenu, LabPeer } from './feed-messages.js';
import { ago } from './format.js';
import type { PageState } from './page-state.js';

const SKIPS: readonly (readonly [text: string, ms: number])[] = [
  ['+1 s', 1_000],
  ['+1 min', 60_000],
  ['+2 min', 120_000],
  ['+20 min', 1_200_000],
];

export class LabView {
  readonly #behaviour = make('select');
  readonly #direction = make('select');
  readonly #held = make('input');
  readonly #about = make('p.muted');
  readonly #peers = make('ul.lab-peers');
  readonly #hold = button(
    'hold',
    () => this.execute({ do: this.pageState.lab?.held ? 'run' : 'hold' }),
    'stops the clock or starts it again; also possible before the first peer',
  );
  readonly #now = make('span.muted');
  readonly #error = make('p.faulty');
  readonly #messages = make('div.messages');
  #menu: LabMenu | undefined;
  #selected = 0;
  #newest = 0;
  #listed = '';

  constructor(
    private readonly pageState: PageState,
    private readonly execute: (command: LabCommand) => void,
    private readonly select: (key: string) => void,
  ) {
    this.#behaviour.setAttribute('aria-label', 'How the peer behaves');
    this.#direction.setAttribute('aria-label', 'Who dials');
    this.#direction.append(new Option('peer dials', 'in'), new Option('this node dials', 'out'));
    this.#behaviour.addEventListener('change', () => this.#describe());
    this.#held.type = 'checkbox';
    byId('lab-tools').append(this.#peerTools(), this.#messageTools(), this.#clockTools(), this.#error);
  }

  draw(): void {
    const { lab } = this.pageState;
    if (!lab) return;
    setText(this.#hold, lab.held ? 'run' : 'hold');
    setText(this.#now, `${lab.held ? 'held at' : 'running:'} ${ago(lab.now)}${lab.busy ? ' …' : ''}`);
    setText(this.#error, lab.error);
    this.#selectNewest(lab.peers);
    this.#list(lab.peers);
    const current = lab.peers.find(({ n }) => n === this.#selected);
    this.#allowMessages(current);
    // The node may not know a new peer yet. Then no transcript is shown, not that of the previous peer.
    this.select(current?.key ?? '');
    byId('lab-nothing').hidden = !current || current.key !== undefined;
  }

  #peerTools(): HTMLElement {
    const start = button('start', () => this.#start());
    start.className = 'main';
    const held = make('label', this.#held, ' hold the clock first');
    held.title = 'the peer does nothing until you press step or run';
    return make(
      'fieldset.lab-peer',
      make('legend', 'peer'),
      make('div.toolbar', this.#behaviour, this.#direction, start, held),
      this.#about,
      this.#peers,
    );
  }

  #messageTools(): HTMLElement {
    return make('fieldset.lab-messages', make('legend', 'the selected peer sends'), this.#messages);
  }

  #clockTools(): HTMLElement {
    const skips = SKIPS.map(([text, ms]) =>
      button(text, () => this.execute({ do: 'skip', ms }), 'sets the clock forward'),
    );
    const step = button(
      'step',
      () => this.execute({ do: 'step' }),
      'runs the next timers and deliveries of the clock, up to the next message or change of state',
    );
    return make(
      'fieldset.lab-clock',
      make('legend', 'clock'),
      make('div.toolbar', this.#hold, step, ...skips, this.#now),
      make(
        'p.muted',
        'step runs the next timer or delivery of the clock that moves a message or changes a state.',
      ),
    );
  }

  /** Enables the buttons of messages; the tooltip of a disabled button gives the reason. */
  #allowMessages(peer: LabPeer | undefined): void {
    const why = whyNotSent(peer);
    [...this.#messages.children].forEach((element, place) => {
      const message = element as HTMLButtonElement;
      message.disabled = why !== '';
      message.title = why || (this.#menu?.messages[place]?.about ?? '');
    });
  }

  /** Fills the menu, before the view is opened, so that the layout does not change then. */
  offer(menu: LabMenu | undefined): void {
    if (!menu || menu === this.#menu) return;
    this.#menu = menu;
    this.#behaviour.replaceChildren(...menu.behaviours.map(({ name }) => new Option(name, name)));
    const buttons = menu.messages.map(({ name, about }) =>
      button(name, () => this.execute({ do: 'send', n: this.#selected, message: name }), about),
    );
    this.#messages.replaceChildren(...buttons);
    this.#describe();
  }

  #describe(): void {
    const behaviour = this.#menu?.behaviours.find(({ name }) => name === this.#behaviour.value);
    const { about = '', condition = '', expect = '' } = behaviour ?? {};
    setText(this.#about, behaviour ? `${about}. Expected: ${condition}${expect}` : '');
  }

  #start(): void {
    const [behaviour, dialled] = [this.#behaviour.value, this.#direction.value === 'out'];
    this.execute({ do: 'start', behaviour, dialled, held: this.#held.checked });
  }

  /** Selects a new peer. */
  #selectNewest(peers: readonly LabPeer[]): void {
    const newest = Math.max(0, ...peers.map(({ n }) => n));
    if (newest > this.#newest) this.#selected = newest;
    this.#newest = newest;
  }

  #list(peers: readonly LabPeer[]): void {
    const rows = peers.map(({ key = '' }) => this.pageState.rows.get(key));
    const text = JSON.stringify([peers, this.#selected, rows.map((row) => [row?.state, row?.reason?.code])]);
    if (text === this.#listed) return;
    this.#listed = text;
    this.#peers.replaceChildren(...[...peers].reverse().map((peer) => this.#item(peer)));
  }

  #item(peer: LabPeer): HTMLLIElement {
    const { n, key, behaviour, dialled, open, paused } = peer;
    const row = key === undefined ? undefined : this.pageState.rows.get(key);
    const pick = button('', () => this.#pick(peer));
    const state = row?.state ?? 'connecting';
    const direction = dialled ? ' (outbound) ' : ' (inbound) ';
    pick.append(
      make('span.muted', `${key ?? ''} `),
      make('b', behaviour),
      direction,
      make('b.state', state),
      ` ${row?.reason?.code ?? ''}`,
    );
    pick.setAttribute('aria-pressed', String(n === this.#selected));
    const item = make('li', pick, ...(open ? this.#controls(n, paused) : []));
    setClass(item, state);
    return item;
  }

  #controls(n: number, paused: boolean): HTMLElement[] {
    const toggle = paused ? 'resume' : 'pause';
    return [
      button(toggle, () => this.execute({ do: toggle, n }), 'the peer stops reading, or reads again'),
      button('peer closes', () => this.execute({ do: 'close', n }), 'the peer closes the connection'),
      button('node closes', () => this.execute({ do: 'disconnect', n }), 'this node closes the connection'),
    ];
  }

  #pick({ n }: LabPeer): void {
    this.#selected = n;
    this.draw();
  }
}

/** Why no message can be sent in the name of the peer; empty when one can. */
function whyNotSent(peer: LabPeer | undefined): string {
  if (!peer) return 'start a peer first';
  if (!peer.open) return 'the connection has ended';
  if (!peer.v1) return 'a peer with BIP324 sends only its own messages';
  return peer.connecting ? 'press step first: the connection is not open yet' : '';
}
