/**
 * The page at `/stately`: frames the hosted Stately Inspector and hands it the stream. The only page that asks another
 * host, and only after a click under a text that says what leaves this machine.
 */
import { FULL_LIMIT } from './ledger.js';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The page that frames `frame`. Throws a TypeError when that is no URL. */
export const statelyPage = (frame: string): string =>
  /* HTML */ `<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>verack: Stately Inspector</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
        <script src="/stately.js" defer></script>
      </head>
      <body class="stately" data-frame="${escaped(new URL(frame).href)}">
        <header>
          <h1>verack</h1>
          <p id="link" role="status">nothing has left this machine</p>
          <a href="/">live page</a>
        </header>
        <main id="consent">
          <h2>The Stately Inspector is a page of ${escaped(new URL(frame).host)}</h2>
          <p>
            Your browser will load it from there, and this page will hand it what the node's machines do. That
            code can read, and send on, all of it:
          </p>
          <ul>
            <li>the names of the actors and the definitions of their machines,</li>
            <li>every state and every event, with its content,</li>
            <li>
              every context: peers' user agents, versions, services, nonces, times, and addresses where a
              machine or an error holds one.
            </li>
          </ul>
          <p>
            It shows at most ${FULL_LIMIT} actors at a time. The <a href="/">live page</a> shows all of them
            and asks nobody.
          </p>
          <button id="go" type="button">Load it, and send it these things</button>
        </main>
        <div id="room" hidden></div>
      </body>
    </html>`;

/**
 * The package's handshake: the framed page says `@statelyai.connected` to its parent, which then posts messages. The
 * stream is opened at that moment, so there is nothing to keep until then, and a frame that is loaded anew is told
 * everything anew.
 */
export const STATELY_SCRIPT = String.raw`'use strict';
const byId = (id) => document.getElementById(id);
const RETRY_MS = 2000;
const target = document.body.dataset.frame;
const origin = new URL(target).origin;
let frame;
let socket;

function load() {
  byId('consent').hidden = true;
  byId('room').hidden = false;
  tell('', 'waiting for ' + origin + ' …');
  frame = document.createElement('iframe');
  frame.title = 'Stately Inspector';
  frame.referrerPolicy = 'no-referrer';
  frame.src = target;
  byId('room').append(frame);
}

// Whoever else posts to this window is not listened to.
function hear(event) {
  if (!frame || event.source !== frame.contentWindow || event.origin !== origin) return;
  if (event.data && event.data.type === '@statelyai.connected') stream();
}

function stream() {
  if (socket) socket.close();
  const mine = (socket = new WebSocket('ws://' + location.host + '/inspect'));
  mine.addEventListener('open', () => tell('live', 'live: handing over to ' + origin));
  mine.addEventListener('message', ({ data }) => {
    if (mine === socket) frame.contentWindow.postMessage(JSON.parse(data), origin);
  });
  mine.addEventListener('close', () => mine === socket && lose());
}

function lose() {
  tell('lost', 'the node does not answer; trying again');
  setTimeout(stream, RETRY_MS);
}

function tell(name, text) {
  byId('link').className = name;
  byId('link').textContent = text;
}

window.addEventListener('message', hear);
byId('go').addEventListener('click', load, { once: true });
`;
