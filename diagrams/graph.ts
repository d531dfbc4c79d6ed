/**
 * A machine as plain data: its states and its arrows, read from the compiled machine and nothing else.
 *
 * Whatever cannot be read as data (an inline action or guard) is refused, so that a picture never leaves anything out.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

export interface Action {
  readonly type: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One way from a state, or within it when `to` is null. */
export interface Arrow {
  readonly from: string;
  readonly to: string | null;
  /** The event's type; for a timeout, empty. */
  readonly event: string;
  /** The named delay after which it happens, and its default in milliseconds where one is known. */
  readonly after?: { readonly delay: string; readonly ms?: number };
  readonly guard?: string;
  /** The guards of the alternatives that are tried before. */
  readonly unless: readonly string[];
  readonly actions: readonly Action[];
  /** The reason codes that this arrow can end with. */
  readonly codes: readonly string[];
  /** The commands that it sends; in parentheses those that only some peers get. */
  readonly sends: readonly string[];
  readonly description?: string;
}

export interface State {
  readonly name: string;
  readonly parent: string | null;
  readonly kind: AnyStateNode['type'];
  readonly initial?: string;
  readonly description?: string;
  readonly entry: readonly Action[];
  /** Why → the events that change nothing here, with their guard where one decides. */
  readonly ignores: Readonly<Record<string, readonly string[]>>;
}

export interface Chart {
  readonly id: string;
  readonly description?: string;
  readonly initial: string;
  readonly invokes: readonly string[];
  readonly states: readonly State[];
  readonly arrows: readonly Arrow[];
}

/** What a machine does not say of itself: how long its delays are, what its actions send and blame. */
export interface Lexicon {
  readonly delays: Readonly<Record<string, number>>;
  readonly sends: (arrow: Arrow) => readonly string[];
  readonly codes: (arrow: Arrow) => readonly string[];
}

/** The part of XState's transition definition that is read here. */
interface Definition {
  readonly eventType: string;
  readonly target?: readonly { readonly key: string }[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly description?: string;
}

/** Reads `machine` as data. */
export function chartOf(machine: AnyStateMachine, lexicon: Lexicon): Chart {
  const nodes = descendants(machine.root);
  requireUnique(nodes.map((node) => node.key));
  const { description } = machine.root;
  return {
    id: machine.id,
    ...(description === undefined ? {} : { description }),
    initial: initialOf(machine.root) ?? '',
    invokes: machine.root.invoke.map(({ id }) => id),
    states: nodes.map(stateOf),
    arrows: [machine.root, ...nodes].flatMap((node) => arrowsOf(node, lexicon)).filter(isAct),
  };
}

const descendants = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states as Record<string, AnyStateNode>).flatMap((child) => [
    child,
    ...descendants(child),
  ]);

/** A state is shown by its own name, without its parents', so names must not repeat. */
function requireUnique(names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin !== undefined) throw new Error(`two states are called ${twin}`);
}

function initialOf(node: AnyStateNode): string | undefined {
  if (node.type !== 'compound') return undefined;
  return (node.initial as Definition).target?.[0]?.key;
}

function stateOf(node: AnyStateNode): State {
  const initial = initialOf(node);
  return {
    name: node.key,
    parent: node.parent?.parent ? node.parent.key : null,
    kind: node.type,
    ...(initial === undefined ? {} : { initial }),
    ...(node.description === undefined ? {} : { description: node.description }),
    entry: entryOf(node).map(actionOf),
    ignores: ignoresOf(node),
  };
}

/** From the config, because XState adds its own actions for timers to the compiled list. */
function entryOf(node: AnyStateNode): readonly unknown[] {
  const entry: unknown = node.config.entry ?? [];
  return Array.isArray(entry) ? entry : [entry];
}

function ignoresOf(node: AnyStateNode): Record<string, string[]> {
  const ignores: Record<string, string[]> = {};
  for (const arrow of bareArrows(node).filter((each) => !isAct(each)))
    (ignores[arrow.description ?? 'not said'] ??= []).push(cellOf(arrow));
  return ignores;
}

function cellOf({ event, guard, unless }: Arrow): string {
  if (guard !== undefined) return `${event} [${guard}]`;
  return unless.length > 0 ? `${event} [otherwise]` : event;
}

/** Whether anything happens: an arrow without target and action is a written-down ignore. */
const isAct = ({ to, actions }: Arrow): boolean => to !== null || actions.length > 0;

function arrowsOf(node: AnyStateNode, lexicon: Lexicon): Arrow[] {
  return bareArrows(node).map((arrow) => ({
    ...arrow,
    ...(arrow.after && { after: timed(arrow.after.delay, lexicon) }),
    codes: lexicon.codes(arrow),
    sends: lexicon.sends(arrow),
  }));
}

const timed = (delay: string, { delays }: Lexicon): { delay: string; ms?: number } => ({
  delay,
  ...(delays[delay] !== undefined && { ms: delays[delay] }),
});

/** The arrows as the machine alone tells them. */
function bareArrows(node: AnyStateNode): Arrow[] {
  const delays = new Map(node.after.map(({ eventType, delay }) => [String(eventType), delayName(delay)]));
  const groups = [...(node.transitions as Map<string, Definition[]>).values()];
  if (node.always) groups.push(node.always as Definition[]);
  return groups.flatMap((group) =>
    group.map((one, index) => arrowOf(node, one, group.slice(0, index), delays.get(one.eventType))),
  );
}

function arrowOf(node: AnyStateNode, one: Definition, before: Definition[], delay?: string): Arrow {
  return {
    from: node.key,
    to: one.target?.[0]?.key ?? null,
    event: delay === undefined ? one.eventType : '',
    ...(delay !== undefined && { after: { delay } }),
    ...(one.guard !== undefined && { guard: nameOf(one.guard) }),
    unless: before.flatMap(({ guard }) => (guard === undefined ? [] : [nameOf(guard)])),
    actions: one.actions.map(actionOf),
    codes: [],
    sends: [],
    ...(one.description !== undefined && { description: one.description }),
  };
}

function delayName(delay: unknown): string {
  if (typeof delay === 'string' || typeof delay === 'number') return String(delay);
  throw new Error('an inline delay cannot be drawn');
}

function actionOf(action: unknown): Action {
  const params = isObject(action) && 'params' in action ? action.params : undefined;
  const type = nameOf(action);
  return params === undefined ? { type } : { type, params: params as Record<string, unknown> };
}

function nameOf(thing: unknown): string {
  if (typeof thing === 'string') return thing;
  if (isObject(thing) && typeof thing.type === 'string') return thing.type;
  throw new Error('an inline action or guard cannot be drawn');
}

const isObject = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null;
