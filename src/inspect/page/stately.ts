/**
 * The page at `/stately`: frames the hosted Stately Inspector after a click, and hands it the stream.
 *
 * The package's handshake: the framed page says `@statelyai.connected` to its parent, which then posts messages. The
 * stream is opened at that moment, so there is nothing to keep until then, and a frame that is loaded anew is told
 * everything anew.
 */
import { byId, dress, make, say } from './dom.js';

const RETRY = 2_000;
const target = document.body.dataset.frame ?? '';
const origin = new URL(target).origin;
let frame: HTMLIFrameElement | undefined;
let socket: WebSocket | undefined;

function load(): void {
  byId('consent').hidden = true;
  byId('room').hidden = false;
  tell('', `waiting for ${origin} …`);
  frame = make('iframe');
  frame.title = 'Stately Inspector';
  frame.referrerPolicy = 'no-referrer';
  frame.src = target;
  byId('room').append(frame);
}

/** Whoever else posts to this window is not listened to. */
function hear({ source, origin: from, data }: MessageEvent<unknown>): void {
  if (source !== frame?.contentWindow || !frame || from !== origin) return;
  const isKnown = typeof data === 'object' && data !== null && 'type' in data;
  if (isKnown && data.type === '@statelyai.connected') stream();
}

/** What was chosen before the click. */
function wish(): string {
  const query = new URLSearchParams();
  const peers = (byId('sample') as HTMLInputElement).value.replaceAll(/[^\w.,]/g, '');
  if (peers) query.set('peers', peers);
  if ((byId('addresses') as HTMLInputElement).checked) query.set('addresses', 'shown');
  return query.toString();
}

function stream(): void {
  socket?.close();
  const mine = (socket = new WebSocket(`ws://${location.host}/inspect?${wish()}`));
  mine.addEventListener('open', () => tell('live', `live: handing over to ${origin}`));
  mine.addEventListener('message', ({ data }) => {
    if (mine === socket) frame?.contentWindow?.postMessage(JSON.parse(String(data)), origin);
  });
  mine.addEventListener('close', () => mine === socket && lose());
}

function lose(): void {
  tell('lost', 'the node does not answer; trying again');
  setTimeout(stream, RETRY);
}

function tell(classes: string, text: string): void {
  dress(byId('link'), classes);
  say(byId('link'), text);
}

addEventListener('message', hear);
byId('go').addEventListener('click', load, { once: true });
