/** Any bytes through framer, codec and translation: what they become, and what must hold whatever they are. */
import { PEER_EVENTS } from '../../machines/index.js';
import { isUnoffered } from '../../src/connection/offered-services.js';
import { messageToEvent } from '../../src/connection/message-to-event.js';
import {
  commandOf,
  countOf,
  createV1Framer,
  decodeMessage,
  encodeMessage,
  type FrameEvent,
  HEADER_SIZE,
  type V1Framer,
} from '../../src/wire/index.js';
import { GROWTH_STEP } from '../../src/wire/byte-buffer.js';
import { REGTEST } from './frames.js';

const NOW = { at: 0, unix: () => 1_800_000_000, draw: () => '0123456789abcdef', isDialling: () => false };
const IDENTITY = {
  version: 70017,
  services: '0000000000000000',
  user_agent: new Uint8Array(),
  start_height: 0,
};
const TYPES = new Set<string>(PEER_EVENTS);
/** The longest event is a `feature` or a `version` with 256 characters of text. */
const LONGEST_EVENT = 1_000;

export class Broken extends Error {
  override readonly name = 'Broken';
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}

/** The events of the machine, as JSON lines; the same for every way to split the bytes. */
export function eventsIn(pieces: readonly Uint8Array[]): string[] {
  const framer = createV1Framer(REGTEST.magic);
  const events: string[] = [];
  for (const piece of pieces) for (const event of framer.feed(piece)) events.push(lineOf(event));
  return events;
}

const lineOf = (event: FrameEvent): string =>
  event.kind === 'frame'
    ? `${event.command} ${event.size} ${JSON.stringify(eventOf(event.command, event.payload))}`
    : JSON.stringify(event);

const NEGOTIATED = { relay: false, wtxidrelay: false };

/** As the session does it. */
function eventOf(command: string, payload: Uint8Array): object | undefined {
  const list = countOf(command, payload);
  if (list && list.count > list.limit) return { type: 'wire.excess', command, ...list };
  if (isUnoffered(command, payload, IDENTITY, NEGOTIATED)) return { type: 'wire.unoffered', command };
  return messageToEvent(command, payload, NOW);
}

/** Throws {@link Broken}, or whatever the code under test throws. Returns the number of frames. */
export function judgeStream(pieces: readonly Uint8Array[]): number {
  const framer = createV1Framer(REGTEST.magic);
  const events: FrameEvent[] = [];
  let fed = 0;
  for (const piece of pieces) {
    fed += piece.length;
    const came = framer.feed(piece);
    for (const event of came) judgeEvent(event);
    events.push(...came);
    judgeMemory(framer, fed);
  }
  judgeEnd(events, fed);
  return events.length;
}

function judgeMemory({ buffered }: V1Framer, fed: number): void {
  must(buffered <= fed + GROWTH_STEP, `${buffered} bytes are held after ${fed}`);
}

/** Every byte belongs to one event or to the frame under way; nothing follows the end of a stream. */
function judgeEnd(events: readonly FrameEvent[], fed: number): void {
  const broken = events.findIndex(({ kind }) => kind === 'broken');
  must(broken < 0 || broken === events.length - 1, 'something follows the end of the stream');
  const counted = events.reduce(
    (sum, event) => sum + (event.kind === 'broken' ? HEADER_SIZE : event.size),
    0,
  );
  must(counted <= fed, `events of ${counted} bytes from ${fed}`);
}

function judgeEvent(event: FrameEvent): void {
  if (event.kind === 'frame') judgePayload(event.command, event.payload);
  else must(JSON.stringify(event).length < LONGEST_EVENT, 'a long event');
}

function judgePayload(command: string, payload: Uint8Array): void {
  const decoded = decodeMessage(command, payload);
  if (decoded.ok) {
    const { message, trailing } = decoded;
    const again = Buffer.concat([encodeMessage(message), trailing]);
    must(commandOf(message) === command, `${command} became ${commandOf(message)}`);
    must(isSame(command, again, payload), `${command} came back as ${again.toString('hex')}`);
  } else must(decoded.fault.offset <= payload.length, `${command}: a fault behind its end`);
  judgeTranslation(command, payload);
}

/** Any byte but 0 is a true `relay`, and comes back as 1. */
function isSame(command: string, one: Uint8Array, two: Uint8Array): boolean {
  if (Buffer.compare(one, two) === 0) return true;
  if (one.length !== two.length) return false;
  const odd = [...one.keys()].filter((at) => one[at] !== two[at]);
  return command === 'version' && odd.length === 1 && one[odd[0]!] === 1;
}

function judgeTranslation(command: string, payload: Uint8Array): void {
  const event = eventOf(command, payload) as { type: string } | undefined;
  if (event === undefined) return;
  must(TYPES.has(event.type), `an event of type ${event.type}`);
  const text = JSON.stringify(event);
  must(text.length < LONGEST_EVENT, `an event of ${text.length} characters`);
}
