/** The view of the actors that do not belong to a connection: outbound targets and supervisors. */
import { byId, make, setText } from './dom.js';
import type { ActorRow } from './feed-messages.js';
import { ago } from './format.js';
import type { PageState } from './page-state.js';

const HEADS: readonly (readonly [head: string, title: string])[] = [
  ['actor', 'name of the actor: machine and number'],
  [
    'target',
    'the name or address that is dialled; below it the members of the context that are not empty, 0 or false',
  ],
  ['state', 'state of the machine'],
  ['for', 'time in this state'],
  ['last reason', 'why the latest attempt ended'],
];

export function drawTargets({ actors }: PageState, now: number): void {
  const rows = [...actors.rows].sort(byState);
  setText(byId('targets-count'), String(rows.length));
  const heads = HEADS.map(([head, title]) => {
    const cell = make(head === 'for' ? 'th.number' : 'th', head);
    cell.title = title;
    return cell;
  });
  byId('targets').replaceChildren(
    make('thead', make('tr', ...heads)),
    make('tbody', ...rows.map((row) => rowOf(row, now))),
  );
}

const byState = (a: ActorRow, b: ActorRow): number =>
  Number(a.ended) - Number(b.ended) || a.machine.localeCompare(b.machine) || b.stateat - a.stateat;

/** Members that other columns show. */
const SHOWN = ['id', 'name', 'current'];

function rowOf({ key, target, state, stateat, ended, facts, reason }: ActorRow, now: number): HTMLElement {
  const texts = Object.entries(facts)
    .filter(([name, value]) => !SHOWN.includes(name) && Boolean(value))
    .map(([name, value]) => (value === true ? name : `${name}=${value}`.replace('connection_type=', '')));
  const row = make(
    'tr',
    make('td', key),
    make('td.foreign', make('div', target), make('div.muted', texts.join(' '))),
    make('td', make('b.state', state)),
    make('td.number', ago(now - stateat)),
    make('td.reason', make('b', reason?.code ?? '')),
  );
  row.className = ended ? `${state} over` : state;
  return row;
}
