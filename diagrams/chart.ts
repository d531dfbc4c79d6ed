/**
 * A machine as plain data: its states and transitions, read from XState's machine, and its ignored cells.
 *
 * What cannot be read as data (an inline action or guard) is refused, so that a diagram is never incomplete.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { IGNORED, type Ignored, type IgnoredCells } from '../machines/index.js';

export interface Action {
  readonly type: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** One transition; it stays in its state when `to` is null. */
export interface Arrow {
  readonly from: string;
  readonly to: string | null;
  /** The event's type; for a timeout, empty. */
  readonly event: string;
  /** The named delay, and its default in milliseconds where one is known. */
  readonly after?: { readonly delay: string; readonly ms?: number };
  readonly guard?: string;
  /** The guards of the alternatives that are tried before. */
  readonly unless: readonly string[];
  readonly actions: readonly Action[];
  /** The reason codes with which this arrow can end the connection. */
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
  /** Reason → the events that change nothing here; `event [otherwise]` where guards decide. */
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

/** What a config does not contain: the length of its delays, the messages and codes of its actions. */
export interface Annotations {
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
export function chartOf(machine: AnyStateMachine, annotations: Annotations): Chart {
  const nodes = descendants(machine.root);
  requireUnique(nodes.map((node) => node.key));
  const { description } = machine.root;
  return {
    id: machine.id,
    ...(description === undefined ? {} : { description }),
    initial: initialOf(machine.root) ?? '',
    invokes: machine.root.invoke.map(({ id }) => id),
    states: nodes.map((node) => stateOf(node, IGNORED[machine.id])),
    arrows: [machine.root, ...nodes].flatMap((node) => arrowsOf(node, annotations)),
  };
}

const descendants = (node: AnyStateNode): AnyStateNode[] =>
  Object.values(node.states as Record<string, AnyStateNode>).flatMap((child) => [
    child,
    ...descendants(child),
  ]);

/** A state is shown by its own name, without its parents', so names must not repeat. */
function requireUnique(names: readonly string[]): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw new Error(`two states have the name ${repeated}`);
}

function initialOf(node: AnyStateNode): string | undefined {
  if (node.type !== 'compound') return undefined;
  return (node.initial as Definition).target?.[0]?.key;
}

function stateOf(node: AnyStateNode, ignored: Ignored | undefined): State {
  const initial = initialOf(node);
  return {
    name: node.key,
    parent: node.parent?.parent ? node.parent.key : null,
    kind: node.type,
    ...(initial === undefined ? {} : { initial }),
    ...(node.description === undefined ? {} : { description: node.description }),
    entry: entryOf(node).map(actionOf),
    ignores: ignoresOf(node.key, ignored),
  };
}

/** From the config, because XState adds its own actions for timers to the compiled list. */
function entryOf(node: AnyStateNode): readonly unknown[] {
  const entry: unknown = node.config.entry ?? [];
  return Array.isArray(entry) ? entry : [entry];
}

/** The ignored cells of a leaf state, grouped by reason. */
function ignoresOf(state: string, { unhandled, unmatched }: Ignored = NONE): Record<string, string[]> {
  const ignores: Record<string, string[]> = {};
  const add = ({ states, events, reason }: IgnoredCells, suffix: string): void => {
    if (states.includes(state)) (ignores[reason] ??= []).push(...events.map((event) => `${event}${suffix}`));
  };
  for (const cells of unhandled) add(cells, '');
  for (const cells of unmatched) add(cells, ' [otherwise]');
  return ignores;
}

const NONE: Ignored = { unhandled: [], unmatched: [] };

function arrowsOf(node: AnyStateNode, annotations: Annotations): Arrow[] {
  return plainArrows(node).map((arrow) => ({
    ...arrow,
    ...(arrow.after && { after: timed(arrow.after.delay, annotations) }),
    codes: annotations.codes(arrow),
    sends: annotations.sends(arrow),
  }));
}

const timed = (delay: string, { delays }: Annotations): { delay: string; ms?: number } => ({
  delay,
  ...(delays[delay] !== undefined && { ms: delays[delay] }),
});

/** The arrows without annotations. */
function plainArrows(node: AnyStateNode): Arrow[] {
  const delays = new Map(node.after.map(({ eventType, delay }) => [String(eventType), delayName(delay)]));
  const groups = [...(node.transitions as Map<string, Definition[]>).values()];
  if (node.always) groups.push(node.always as Definition[]);
  return groups.flatMap((group) =>
    group
      .filter((one) => !isForbidden(one))
      .map((one, index) => arrowOf(node, one, group.slice(0, index), delays.get(one.eventType))),
  );
}

/** It only keeps the event from the parent state, so it is an ignored cell, not an arrow. */
const isForbidden = ({ target, guard, actions }: Definition): boolean =>
  target === undefined && guard === undefined && actions.length === 0;

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
  throw new Error('an inline delay cannot be shown');
}

function actionOf(action: unknown): Action {
  const params = isObject(action) && 'params' in action ? action.params : undefined;
  const type = nameOf(action);
  return params === undefined ? { type } : { type, params: params as Record<string, unknown> };
}

function nameOf(thing: unknown): string {
  if (typeof thing === 'string') return thing;
  if (isObject(thing) && typeof thing.type === 'string') return thing.type;
  throw new Error('an inline action or guard cannot be shown');
}

const isObject = (thing: unknown): thing is Record<string, unknown> =>
  typeof thing === 'object' && thing !== null;
