/**
 * What a diagram shows of a chart: one box per state, and one edge for all arrows between the same two states.
 *
 * - Edges to `failed` are labelled with reason codes only.
 * - Arrows of the root, and arrows that all non-final states have, start at one box that stands for every state.
 * - Arrows that stay in a state are lines of text in its box. Ignored cells are in the tooltip only.
 *
 * The overview is the same with names only, for slides and small images.
 */
import type { Arrow, Chart, State } from './chart.js';
import { effectLabel, eventLabel, guardLabel, timeLabel } from './labels.js';

/** A piece of text and what it means. */
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

export interface Edge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: 'move' | 'fail' | 'clock';
  readonly label: readonly Text[];
  /** The reason codes of an edge to `failed`. */
  readonly codes: readonly string[];
  readonly tooltip: string;
}

export interface Layout {
  readonly title: string;
  readonly initial: string;
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
}

/** The box that stands for every state that is not final. */
export const ANY = 'any';
/** The state whose edges are labelled with codes. */
const FAILED = 'failed';

/** The detailed diagram of `chart`. */
export function layoutOf(chart: Chart): Layout {
  const moves = hoisted(chart).filter(({ to }) => to !== null);
  const boxes = chart.states.map((state) => boxOf(state, chart));
  if (moves.some(({ from }) => from === ANY)) boxes.push(anyBox);
  const title = chart.description ?? chart.id;
  return { title, initial: chart.initial, boxes, edges: downwards(edgesOf(moves), chart) };
}

const anyBox: Box = {
  id: `state-${ANY}`,
  name: ANY,
  title: 'in any state',
  parent: null,
  kind: 'any',
  description: 'except final ones',
  inside: [],
  tooltip: 'These arrows start at every state that is not final.',
};

/**
 * The overview of `layout`: names only. Edges to `failed` from inside a group start at the group; those from the box for
 * every state are left out. What several states of a group have in common is drawn once, at the group: edges to the same
 * state, and edges from the same state with the same label.
 */
export function overviewOf(layout: Layout): Layout {
  const boxes = layout.boxes
    .filter(({ name }) => name !== ANY)
    .map((box): Box => ({
      ...box,
      description: '',
      inside: box.inside.filter(({ tone }) => tone === 'clock'),
    }));
  const edges = layout.edges
    .filter(({ from }) => from !== ANY)
    .map((edge) => overviewEdge(edge, boxes))
    .filter(({ id }, i, all) => all.findIndex((other) => other.id === id) === i);
  return { ...layout, boxes, edges: intoGroups(outOfGroups(edges, boxes), boxes) };
}

const groupOf = (name: string, boxes: readonly Box[]): string | undefined =>
  boxes.find((box) => box.name === name)?.parent ?? undefined;

/** Edges from several states of a group to one state outside it start at the group. */
function outOfGroups(edges: readonly Edge[], boxes: readonly Box[]): Edge[] {
  const keyOf = ({ id, from, to }: Edge): string => {
    const group = groupOf(from, boxes);
    return group === undefined || group === groupOf(to, boxes) ? id : `edge-${group}-${to}`;
  };
  return [...groupBy(edges, keyOf)].map(([id, [first, ...more]]) =>
    more.length === 0
      ? first!
      : { ...first!, id, from: groupOf(first!.from, boxes)!, label: allOf([first!, ...more]) },
  );
}

/** Edges from one state to several states of a group, with the same label, end at the group. */
function intoGroups(edges: readonly Edge[], boxes: readonly Box[]): Edge[] {
  const keyOf = ({ id, from, to, label }: Edge): string => {
    const group = groupOf(to, boxes);
    return group === undefined || group === groupOf(from, boxes) ? id : JSON.stringify([from, group, label]);
  };
  return [...groupBy(edges, keyOf).values()].map(([first, ...more]) => {
    const group = groupOf(first!.to, boxes);
    return more.length === 0 ? first! : { ...first!, id: `edge-${first!.from}-${group}`, to: group! };
  });
}

/** The events of several edges, each once and without its guard. */
const allOf = (edges: readonly Edge[]): Text[] => {
  const events = edges.flatMap(({ label }) => label.filter(({ tone }) => tone === 'event'));
  return [...new Set(events.map(({ text }) => unguarded(text)))].map((text) => ({ tone: 'event', text }));
};

function overviewEdge(edge: Edge, boxes: readonly Box[]): Edge {
  const group = boxes.find(({ name }) => name === edge.from)?.parent ?? edge.from;
  const label = shortLabel(edge.label);
  return edge.to === FAILED
    ? { ...edge, id: `edge-${group}-${FAILED}`, kind: 'fail', from: group, codes: [], label: [] }
    : { ...edge, label };
}

/** Longer labels than this are shown without their guard in the overview, characters. */
const SHORT = 22;
const unguarded = (text: string): string => text.replace(/ \[.*/, '');

/** Reports are left out, and long guards; so are guards and effects where one edge stands for several arrows. */
function shortLabel(label: readonly Text[]): Text[] {
  const events = label.filter(({ tone }) => tone === 'event');
  if (events.length > 1)
    return [...new Set(events.map(({ text }) => unguarded(text)))].map((text) => ({ tone: 'event', text }));
  return label
    .filter(({ tone, text }) => tone !== 'note' && !text.startsWith('reports '))
    .map(({ tone, text }) => ({ tone, text: text.length > SHORT ? unguarded(text) : text }));
}

/** The id of the edge that stands for an arrow. */
export function edgeId(chart: Chart, arrow: Arrow): string | undefined {
  const [drawn] = hoisted({ ...chart, arrows: [arrow] }, commonArrows(chart));
  return drawn && drawn.to !== null ? idOf(drawn) : undefined;
}

const idOf = ({ from, to, after }: Arrow): string =>
  ['edge', from, to, ...(after ? [after.delay] : [])].join('-');

/** All properties except the source state. */
const signature = ({ from: _, ...rest }: Arrow): string => JSON.stringify(rest);

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** The signatures that every non-final leaf has. */
function commonArrows({ states, arrows }: Chart): Set<string> {
  const nonFinal = states.filter(({ kind }) => kind === 'atomic').map(({ name }) => name);
  const owners = groupBy(arrows, signature);
  const isCommon = (own: readonly Arrow[]) => nonFinal.every((name) => own.some(({ from }) => from === name));
  return new Set([...owners].filter(([, own]) => isCommon(own)).map(([key]) => key));
}

/** The arrows; those of the root, and those that all non-final states share, start once at the box for every state. */
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

/** What happens without leaving the state: deadlines, entry actions, answers, records. */
function insideOf(state: State, chart: Chart): Text[] {
  const stays = staysOf(state, chart);
  const acts = stays.filter((arrow) => effectsOf(arrow).length > 0);
  const notes = stays.filter((arrow) => effectsOf(arrow).length === 0);
  const noted = [...new Set(notes.map((arrow) => recordLabel(arrow, chart)))];
  return [
    ...deadlinesOf(state, chart),
    ...state.entry.flatMap((action) => said('sends', effectLabel(action))),
    ...acts.map((arrow): Text => ({
      tone: 'sends',
      text: `${inner(arrow)}: ${effectsOf(arrow).join(', ')}`,
    })),
    ...(noted.length > 0 ? said('note', `records: ${noted.join(', ')}`) : []),
  ];
}

/** The guard is shown only where the same event can also leave the state. */
const recordLabel = (arrow: Arrow, { arrows }: Chart): string =>
  arrows.some(({ from, event, to }) => from === arrow.from && event === arrow.event && to && to !== FAILED)
    ? trigger(arrow)
    : eventLabel(arrow.event);

/** A deadline that spans several states is shown in the box of their parent. */
const deadlinesOf = ({ name, kind }: State, { arrows }: Chart): Text[] =>
  kind === 'compound'
    ? arrows
        .filter(({ from, after }) => from === name && after)
        .filter(({ after }, i, all) => all.findIndex((other) => other.after?.delay === after?.delay) === i)
        .flatMap(({ after }) => said('clock', spanOf(after)))
    : [];

const spanOf = (after: Arrow['after']): string | undefined =>
  after?.ms === undefined ? after?.delay : `${timeLabel(after.ms)} in all`;

const inner = (arrow: Arrow): string =>
  arrow.guard === undefined && arrow.unless.length > 0 ? `${trigger(arrow)} [otherwise]` : trigger(arrow);

const staysOf = ({ name }: State, { arrows }: Chart): Arrow[] =>
  arrows.filter(({ from, to }) => from === name && to === null);

const said = (tone: Text['tone'], text: string | undefined): Text[] => (text ? [{ tone, text }] : []);

/** The effects of an arrow. */
function effectsOf({ actions, sends }: Arrow): string[] {
  const effects = actions.flatMap((action) => effectLabel(action) ?? []);
  return sends.length > 0 ? [`sends ${sends.join(', ')}`, ...effects] : effects;
}

/** `version [feeler]`, `version [not feeler]`, `after 5 s`. */
function trigger({ event, after, guard, unless }: Arrow, isElse = false): string {
  const when = after
    ? `after ${after.ms === undefined ? after.delay : timeLabel(after.ms)}`
    : eventLabel(event);
  if (guard !== undefined) return `${when} [${guardLabel(guard)}]`;
  return isElse && unless.length > 0 ? `${when} [not ${guardLabel(unless.at(-1) ?? '')}]` : when;
}

function edgesOf(moves: readonly Arrow[]): Edge[] {
  return [...groupBy(moves, idOf)].map(([id, group]) => {
    const [{ from, to, after }] = group as [Arrow];
    const kind = after ? 'clock' : to === FAILED ? 'fail' : 'move';
    const codes = to === FAILED ? [...new Set(group.flatMap((arrow) => arrow.codes))] : [];
    const label = labelOf(group, moves);
    return { id, from, to: to ?? from, kind, label, codes, tooltip: edgeTooltip(group) };
  });
}

function labelOf(group: readonly Arrow[], moves: readonly Arrow[]): Text[] {
  if (group[0]?.after) return group.flatMap(clockLabel);
  if (group[0]?.to === FAILED) return [];
  return group.flatMap((arrow) => [
    { tone: 'event', text: trigger(arrow, hasRival(arrow, moves)) },
    ...effectsOf(arrow).map((text): Text => ({ tone: 'sends', text })),
  ]);
}

/** Whether the last guard before this arrow belongs to a labelled edge (those to `failed` are not). */
const hasRival = ({ from, event, unless }: Arrow, moves: readonly Arrow[]): boolean =>
  moves.some(
    (other) =>
      other.from === from && other.event === event && other.guard === unless.at(-1) && other.to !== FAILED,
  );

/** In the order of states from top to bottom: a group's own edges after those of its children, `any` last. */
function downwards(edges: readonly Edge[], { states }: Chart): Edge[] {
  const names = states.map(({ name }) => name);
  const lastOf = (name: string) =>
    Math.max(...[name, ...childrenOf(name, states)].map((one) => names.indexOf(one)));
  const depth = ({ from }: Edge) => (from === ANY ? names.length : lastOf(from));
  return [...edges].sort((a, b) => depth(a) - depth(b));
}

const childrenOf = (name: string, states: readonly State[]): string[] =>
  states.filter(({ parent }) => parent === name).map((child) => child.name);

const clockLabel = (arrow: Arrow): Text[] => [
  { tone: 'clock', text: trigger(arrow) },
  ...(arrow.after?.ms === undefined ? [] : said('note', arrow.after.delay)),
  ...effectsOf(arrow).map((text): Text => ({ tone: 'sends', text })),
];

/** One line per arrow: event, effects, description. */
const edgeTooltip = (group: readonly Arrow[]): string =>
  [`${group[0]?.from ?? ''} → ${group[0]?.to ?? ''}`, ...group.map(sentence)].join('\n');

function sentence(arrow: Arrow): string {
  const does = [...effectsOf(arrow), ...arrow.codes].join(', ');
  const why = arrow.description ? ` (${arrow.description})` : '';
  return `${trigger(arrow, true)}${does ? `: ${does}` : ''}${why}`;
}

function boxTooltip(state: State, chart: Chart): string {
  const ignores = Object.entries(state.ignores).map(
    ([why, events]) => `ignores ${events.map(cellLabel).join(', ')} (${why})`,
  );
  const head = state.description ? `${state.name}: ${state.description}` : state.name;
  return [head, ...staysOf(state, chart).map(sentence), ...ignores].join('\n');
}

/** `wire.excess [isTolerated]` → `list too long [tolerated]`. */
function cellLabel(cell: string): string {
  const [event = '', guard] = cell.split(' [');
  return guard === undefined ? eventLabel(event) : `${eventLabel(event)} [${guardLabel(guard.slice(0, -1))}]`;
}
