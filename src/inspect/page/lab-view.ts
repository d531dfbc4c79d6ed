/** The lab: starts peers with a fault, sends what they should not send, holds time; beside it, what the machine made of it. */
import { button, byId, dress, make, say } from './dom.js';
import type { LabCommand, LabMenu, LabPeer } from './feed-messages.js';
import { ago } from './format.js';
import type { PageState } from './page-state.js';

const LEAPS: readonly (readonly [text: string, ms: number])[] = [
  ['+1 s', 1_000],
  ['+20 s', 20_000],
  ['+2 min', 120_000],
  ['+20 min', 1_200_000],
];

export class LabView {
  readonly #actor = make('select');
  readonly #way = make('select');
  readonly #about = make('p.soft');
  readonly #peers = make('ul.pupils');
  readonly #hold = button('', () => this.#command({ do: this.world.lab?.held ? 'run' : 'hold' }));
  readonly #now = make('span.soft');
  readonly #trouble = make('p.troubled');
  readonly #messages = make('div.messages');
  #menu: LabMenu | undefined;
  #chosen = 0;
  #newest = 0;
  #said = '';

  constructor(
    private readonly world: PageState,
    private readonly order: (command: LabCommand) => void,
    private readonly choose: (key: string) => void,
  ) {
    this.#actor.setAttribute('aria-label', 'How the peer behaves');
    this.#way.setAttribute('aria-label', 'Who dials');
    this.#way.append(new Option('it dials us', 'in'), new Option('we dial it', 'out'));
    this.#actor.addEventListener('change', () => this.#describe());
    const start = button('start', () => this.#start());
    start.className = 'main';
    const time = LEAPS.map(([text, ms]) =>
      button(text, () => this.#command({ do: 'skip', ms }), 'set the clock forward'),
    );
    byId('lab-tools').append(
      make(
        'fieldset',
        make('legend', 'a peer'),
        make('div.line', this.#actor, this.#way, start),
        this.#about,
        this.#peers,
      ),
      make('fieldset', make('legend', 'it sends, now'), this.#messages),
      make(
        'fieldset',
        make('legend', 'time'),
        make(
          'div.line',
          this.#hold,
          button('step', () => this.#command({ do: 'step' }), 'until the next message or change'),
          ...time,
          this.#now,
        ),
      ),
      this.#trouble,
    );
  }

  draw(): void {
    const { hello, lab } = this.world;
    if (hello.lab && hello.lab !== this.#menu) this.#offer(hello.lab);
    if (!lab) return;
    say(this.#hold, lab.held ? 'run' : 'hold');
    say(this.#now, `${lab.held ? 'held at' : 'runs:'} ${ago(lab.now)}`);
    say(this.#trouble, lab.complaint);
    this.#notice(lab.peers);
    this.#list(lab.peers);
    const current = lab.peers.find(({ n }) => n === this.#chosen);
    for (const element of this.#messages.children) {
      (element as HTMLButtonElement).disabled = !current?.open || !current.speaks;
    }
    if (current?.key !== undefined) this.choose(current.key);
  }

  #offer(menu: LabMenu): void {
    this.#menu = menu;
    this.#actor.replaceChildren(...menu.actors.map(({ name }) => new Option(name, name)));
    const buttons = menu.messages.map(({ name, about }) =>
      button(name, () => this.#command({ do: 'send', n: this.#chosen, message: name }), about),
    );
    this.#messages.replaceChildren(...buttons);
    this.#describe();
  }

  #describe(): void {
    const actor = this.#menu?.actors.find(({ name }) => name === this.#actor.value);
    say(this.#about, actor ? `${actor.about}. Foretold: ${actor.expect}` : '');
  }

  #start(): void {
    this.#command({ do: 'start', actor: this.#actor.value, dialled: this.#way.value === 'out' });
  }

  /** The peer that was started last is the one to look at. */
  #notice(peers: readonly LabPeer[]): void {
    const newest = Math.max(0, ...peers.map(({ n }) => n));
    if (newest > this.#newest) this.#chosen = newest;
    this.#newest = newest;
  }

  #list(peers: readonly LabPeer[]): void {
    const rows = peers.map(({ key = '' }) => this.world.rows.get(key));
    const said = JSON.stringify([peers, this.#chosen, rows.map((row) => [row?.state, row?.reason?.code])]);
    if (said === this.#said) return;
    this.#said = said;
    this.#peers.replaceChildren(...[...peers].reverse().map((peer) => this.#line(peer)));
  }

  #line(peer: LabPeer): HTMLLIElement {
    const { n, key, actor, dialled, open, paused } = peer;
    const row = key === undefined ? undefined : this.world.rows.get(key);
    const pick = button('', () => this.#pick(peer));
    const state = row?.state ?? 'connecting';
    pick.append(
      make('b', actor),
      dialled ? ' ← dialled ' : ' dials → ',
      make('b.state', state),
      ` ${row?.reason?.code ?? ''}`,
    );
    pick.setAttribute('aria-pressed', String(n === this.#chosen));
    const acts = open ? this.#acts(n, paused) : [];
    const line = make('li', pick, ...acts);
    dress(line, state);
    return line;
  }

  #acts(n: number, paused: boolean): HTMLElement[] {
    return [
      button(
        paused ? 'resume' : 'pause',
        () => this.#command({ do: paused ? 'resume' : 'pause', n }),
        'it reads no more',
      ),
      button('it closes', () => this.#command({ do: 'close', n }), 'the peer ends the link'),
      button('we close', () => this.#command({ do: 'disconnect', n }), 'our node ends the connection'),
    ];
  }

  #pick({ n, key }: LabPeer): void {
    this.#chosen = n;
    if (key !== undefined) this.choose(key);
    this.draw();
  }

  #command(command: LabCommand): void {
    this.order(command);
  }
}
