/**
 * What is drawn of a chart: one box per state, and as few lines between them as can be told apart.
 *
 * - Arrows between the same two states share one line; failures are told by their codes only.
 * - What every living state does alike is drawn once, from a box that stands for all of them.
 * - What happens inside a state is a line of text in its box; what is ignored there is counted.
 */
import type { Arrow, Chart, State } from './graph.js';
import { effectWords, eventWords, guardWords, timeWords } from './words.js';

/** A piece of text and what it tells. */
export interface Text {
  readonly tone: 'event' | 'sends' | 'code' | 'clock' | 'note';
  readonly text: string;
}

export interface Box {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly parent: string | null;
  readonly kind: 'plain' | 'group' | 'final' | 'any';
  readonly initial?: string;
  readonly description: string;
  readonly inside: readonly Text[];
  readonly tooltip: string;
}

export interface Line {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: 'move' | 'fail' | 'clock';
  readonly label: readonly Text[];
  /** The codes that it fails with. */
  readonly codes: readonly string[];
  readonly tooltip: string;
}

export interface Picture {
  readonly title: string;
  readonly initial: string;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

/** The box that stands for every living state. */
export const ANY = 'any';
/** The state whose arrows are told by their codes. */
const FAILED = 'failed';

/** Lays out in words what `chart` says. */
export function pictureOf(chart: Chart): Picture {
  const moves = hoisted(chart).filter(({ to }) => to !== null);
  const boxes = chart.states.map((state) => boxOf(state, chart));
  if (moves.some(({ from }) => from === ANY)) boxes.push(anyBox);
  const title = chart.description ?? chart.id;
  return { title, initial: chart.initial, boxes, lines: downwards(linesOf(moves), chart) };
}

const anyBox: Box = {
  id: `state-${ANY}`,
  name: ANY,
  title: 'in any state',
  parent: null,
  kind: 'any',
  description: 'but the ends',
  inside: [],
  tooltip: 'These arrows start at every state that is not an end.',
};

/** The id of the line that an arrow is drawn as. */
export function lineId(chart: Chart, arrow: Arrow): string | undefined {
  const [drawn] = hoisted({ ...chart, arrows: [arrow] }, commonArrows(chart));
  return drawn && drawn.to !== null ? idOf(drawn) : undefined;
}

const idOf = ({ from, to, after }: Arrow): string =>
  ['edge', from, to, ...(after ? [after.delay] : [])].join('-');

/** Everything but where it starts. */
const signature = ({ from: _, ...rest }: Arrow): string => JSON.stringify(rest);

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The signatures that every living leaf has. */
function commonArrows({ states, arrows }: Chart): Set<string> {
  const alive = states.filter(({ kind }) => kind === 'atomic').map(({ name }) => name);
  const owners = groupBy(arrows, signature);
  const isCommon = (own: readonly Arrow[]) => alive.every((name) => own.some(({ from }) => from === name));
  return new Set([...owners].filter(([, own]) => isCommon(own)).map(([key]) => key));
}

/** The arrows, with those that all living states share told once, as are those of the machine itself. */
function hoisted(chart: Chart, common = commonArrows(chart)): Arrow[] {
  const isEverywhere = (arrow: Arrow) =>
    arrow.from === chart.id || (arrow.to !== null && common.has(signature(arrow)));
  const drawn = chart.arrows.map((arrow) => (isEverywhere(arrow) ? { ...arrow, from: ANY } : arrow));
  return [...new Map(drawn.map((arrow) => [JSON.stringify(arrow), arrow])).values()];
}

function boxOf(state: State, chart: Chart): Box {
  const kind = state.kind === 'final' ? 'final' : state.kind === 'atomic' ? 'plain' : 'group';
  return {
    id: `state-${state.name}`,
    name: state.name,
    title: state.name,
    parent: state.parent,
    kind,
    ...(state.initial !== undefined && { initial: state.initial }),
    description: state.description ?? '',
    inside: insideOf(state, chart),
    tooltip: boxTooltip(state, chart),
  };
}

/** What happens without leaving: on entry, answers, notes; then how much changes nothing. */
function insideOf(state: State, chart: Chart): Text[] {
  const stays = staysOf(state, chart);
  const acts = stays.filter((arrow) => saysOf(arrow).length > 0);
  const notes = stays.filter((arrow) => saysOf(arrow).length === 0);
  const noted = [...new Set(notes.map((arrow) => noteWords(arrow, chart)))];
  return [
    ...deadlinesOf(state, chart),
    ...state.entry.flatMap((action) => said('sends', effectWords(action))),
    ...acts.map((arrow): Text => ({ tone: 'sends', text: `${inner(arrow)}: ${saysOf(arrow).join(', ')}` })),
    ...(noted.length > 0 ? said('note', `takes note of: ${noted.join(', ')}`) : []),
  ];
}

/** Its guard is told only where the same event can also lead away. */
const noteWords = (arrow: Arrow, { arrows }: Chart): string =>
  arrows.some(({ from, event, to }) => from === arrow.from && event === arrow.event && to && to !== FAILED)
    ? trigger(arrow)
    : eventWords(arrow.event);

/** Told in the box when a deadline spans several states: the reader must see that it is one. */
const deadlinesOf = ({ name, kind }: State, { arrows }: Chart): Text[] =>
  kind === 'compound'
    ? arrows
        .filter(({ from, after }) => from === name && after)
        .filter(({ after }, i, all) => all.findIndex((other) => other.after?.delay === after?.delay) === i)
        .flatMap(({ after }) => said('clock', spanOf(after)))
    : [];

const spanOf = (after: Arrow['after']): string | undefined =>
  after?.ms === undefined ? after?.delay : `${timeWords(after.ms)} in all`;

const inner = (arrow: Arrow): string =>
  arrow.guard === undefined && arrow.unless.length > 0 ? `${trigger(arrow)} [otherwise]` : trigger(arrow);

const staysOf = ({ name }: State, { arrows }: Chart): Arrow[] =>
  arrows.filter(({ from, to }) => from === name && to === null);

const said = (tone: Text['tone'], text: string | undefined): Text[] => (text ? [{ tone, text }] : []);

/** What an arrow does that others can see. */
function saysOf({ actions, sends }: Arrow): string[] {
  const effects = actions.flatMap((action) => effectWords(action) ?? []);
  return sends.length > 0 ? [`sends ${sends.join(', ')}`, ...effects] : effects;
}

/** `version [feeler]`, `version [not feeler]`, `after 5 s`. */
function trigger({ event, after, guard, unless }: Arrow, isElse = false): string {
  const when = after
    ? `after ${after.ms === undefined ? after.delay : timeWords(after.ms)}`
    : eventWords(event);
  if (guard !== undefined) return `${when} [${guardWords(guard)}]`;
  return isElse && unless.length > 0 ? `${when} [not ${guardWords(unless.at(-1) ?? '')}]` : when;
}

function linesOf(moves: readonly Arrow[]): Line[] {
  return [...groupBy(moves, idOf)].map(([id, group]) => {
    const [{ from, to, after }] = group as [Arrow];
    const kind = after ? 'clock' : to === FAILED ? 'fail' : 'move';
    const codes = to === FAILED ? [...new Set(group.flatMap((arrow) => arrow.codes))] : [];
    const label = labelOf(group, moves);
    return { id, from, to: to ?? from, kind, label, codes, tooltip: lineTooltip(group) };
  });
}

function labelOf(group: readonly Arrow[], moves: readonly Arrow[]): Text[] {
  if (group[0]?.after) return group.flatMap(clockLabel);
  if (group[0]?.to === FAILED) return [];
  return group.flatMap((arrow) => [
    { tone: 'event', text: trigger(arrow, hasRival(arrow, moves)) },
    ...saysOf(arrow).map((text): Text => ({ tone: 'sends', text })),
  ]);
}

/** Whether the last guard before this arrow leads to a line that the reader sees; refusals speak for themselves. */
const hasRival = ({ from, event, unless }: Arrow, moves: readonly Arrow[]): boolean =>
  moves.some(
    (other) =>
      other.from === from && other.event === event && other.guard === unless.at(-1) && other.to !== FAILED,
  );

/** From top to bottom as a reader meets them: a group's own lines come after those of its children, `any` at the end. */
function downwards(lines: readonly Line[], { states }: Chart): Line[] {
  const names = states.map(({ name }) => name);
  const lastOf = (name: string) =>
    Math.max(...[name, ...childrenOf(name, states)].map((one) => names.indexOf(one)));
  const depth = ({ from }: Line) => (from === ANY ? names.length : lastOf(from));
  return [...lines].sort((a, b) => depth(a) - depth(b));
}

const childrenOf = (name: string, states: readonly State[]): string[] =>
  states.filter(({ parent }) => parent === name).map((child) => child.name);

const clockLabel = (arrow: Arrow): Text[] => [
  { tone: 'clock', text: trigger(arrow) },
  ...(arrow.after?.ms === undefined ? [] : said('note', arrow.after.delay)),
  ...saysOf(arrow).map((text): Text => ({ tone: 'sends', text })),
];

/** One line per arrow: what, what follows, why. */
const lineTooltip = (group: readonly Arrow[]): string =>
  [`${group[0]?.from ?? ''} → ${group[0]?.to ?? ''}`, ...group.map(sentence)].join('\n');

function sentence(arrow: Arrow): string {
  const does = [...saysOf(arrow), ...arrow.codes].join(', ');
  const why = arrow.description ? ` (${arrow.description})` : '';
  return `${trigger(arrow, true)}${does ? `: ${does}` : ''}${why}`;
}

function boxTooltip(state: State, chart: Chart): string {
  const ignores = Object.entries(state.ignores).map(
    ([why, events]) => `ignores ${events.map(cellWords).join(', ')} (${why})`,
  );
  const head = state.description ? `${state.name}: ${state.description}` : state.name;
  return [head, ...staysOf(state, chart).map(sentence), ...ignores].join('\n');
}

/** `wire.excess [isTolerated]` → `list too long [tolerated]`. */
function cellWords(cell: string): string {
  const [event = '', guard] = cell.split(' [');
  return guard === undefined ? eventWords(event) : `${eventWords(event)} [${guardWords(guard.slice(0, -1))}]`;
}
