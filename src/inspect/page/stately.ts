/**
 * The page at `/stately`: loads the hosted Stately Inspector in a frame after a click, and forwards the stream to it.
 *
 * The framed page posts `@statelyai.connected` to its parent, which then opens the WebSocket and posts its messages. Nothing
 * is therefore buffered before, and a frame that is loaded again receives everything again.
 */
import { byId, setClass, make, setText } from './dom.js';

const RETRY = 2_000;
const target = document.body.dataset.frame ?? '';
const origin = new URL(target).origin;
let frame: HTMLIFrameElement | undefined;
let socket: WebSocket | undefined;

function load(): void {
  byId('consent').hidden = true;
  byId('frame').hidden = false;
  showLink('', `waiting for ${origin} …`);
  frame = make('iframe');
  frame.title = 'Stately Inspector';
  frame.referrerPolicy = 'no-referrer';
  frame.src = target;
  byId('frame').append(frame);
}

/** Messages from other windows are ignored. */
function onMessage({ source, origin: from, data }: MessageEvent<unknown>): void {
  if (source !== frame?.contentWindow || !frame || from !== origin) return;
  const isKnown = typeof data === 'object' && data !== null && 'type' in data;
  if (isKnown && data.type === '@statelyai.connected') stream();
}

/** The choices before the click. */
function queryOf(): string {
  const query = new URLSearchParams();
  const peers = (byId('sample') as HTMLInputElement).value.replaceAll(/[^\w.,]/g, '');
  if (peers) query.set('peers', peers);
  if ((byId('addresses') as HTMLInputElement).checked) query.set('addresses', 'shown');
  return query.toString();
}

function stream(): void {
  socket?.close();
  const mine = (socket = new WebSocket(`ws://${location.host}/inspect?${queryOf()}`));
  mine.addEventListener('open', () => showLink('live', `live: sending to ${origin}`));
  mine.addEventListener('message', ({ data }) => {
    if (mine === socket) frame?.contentWindow?.postMessage(JSON.parse(String(data)), origin);
  });
  mine.addEventListener('close', () => mine === socket && reconnect());
}

function reconnect(): void {
  showLink('lost', 'the node does not answer; retrying');
  setTimeout(stream, RETRY);
}

function showLink(classes: string, text: string): void {
  setClass(byId('link'), classes);
  setText(byId('link'), text);
}

addEventListener('message', onMessage);
byId('go').addEventListener('click', load, { once: true });
