/**
 * The pages and what goes with them, each with a Content-Security-Policy that lets nothing else in: no inline script, no
 * other host. Only `/stately` may frame one other origin.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Door } from './door.js';
import { LIVE_PAGE } from './live.page.js';
import { LIVE_SCRIPT } from './live.script.js';
import { STATELY_SCRIPT, statelyPage } from './stately.page.js';
import { STYLE } from './style.js';

/** The page that `@statelyai/inspect` opens. */
export const STATELY_INSPECTOR = 'https://stately.ai/inspect';

export interface Display {
  /** The page that `/stately` frames. Default {@link STATELY_INSPECTOR}. */
  readonly frame?: string;
  /** The picture of the peer machine. Default `diagrams/peer.svg` of this package; the page does without when it is missing. */
  readonly picture?: URL;
}

interface Item {
  readonly type: string;
  readonly body: string;
  readonly frame?: string;
}

/** From `src/see` and from `dist/src/see` alike. */
const PICTURES = ['../../diagrams/peer.svg', '../../../diagrams/peer.svg'].map(
  (path) => new URL(path, import.meta.url),
);

/** Answers GET and HEAD of the few paths there are; everything else is refused. */
export function servePages(door: Door, display: Display): RequestListener {
  const items = itemsOf(display.frame ?? STATELY_INSPECTOR);
  return (request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    const status = refusalOf(door, request);
    if (status) return refuse(response, status);
    const item = items.get(path);
    if (item) return send(request, response, item);
    if (path !== '/peer.svg') return refuse(response, 404);
    void sendPicture(request, response, display.picture ? [display.picture] : PICTURES);
  };
}

function itemsOf(frame: string): ReadonlyMap<string, Item> {
  const [html, css, js] = ['text/html', 'text/css', 'text/javascript'];
  return new Map<string, Item>([
    ['/', { type: html, body: LIVE_PAGE }],
    ['/style.css', { type: css, body: STYLE }],
    ['/live.js', { type: js, body: LIVE_SCRIPT }],
    ['/stately', { type: html, body: statelyPage(frame), frame }],
    ['/stately.js', { type: js, body: STATELY_SCRIPT }],
  ]);
}

function refusalOf(door: Door, request: IncomingMessage): number {
  if (!door.admits(request)) return 403;
  return request.method === 'GET' || request.method === 'HEAD' ? 0 : 405;
}

function refuse(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close', ...GUARDS }).end();
}

function send(request: IncomingMessage, response: ServerResponse, item: Item): void {
  response.writeHead(200, {
    'Content-Type': `${item.type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(item.body),
    'Content-Security-Policy': policyOf(request.headers.host ?? '', item.frame),
    ...GUARDS,
  });
  response.end(request.method === 'HEAD' ? undefined : item.body);
}

async function sendPicture(request: IncomingMessage, response: ServerResponse, places: URL[]): Promise<void> {
  for (const place of places) {
    const body = await readFile(place, 'utf8').catch(() => undefined);
    if (body !== undefined) return send(request, response, { type: 'image/svg+xml', body });
  }
  refuse(response, 404);
}

const GUARDS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** `host` has passed the door, so it is one of our own names. Older browsers do not count a WebSocket as 'self'. */
function policyOf(host: string, frame: string | undefined): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    `connect-src 'self' ws://${host}`,
    ...(frame === undefined ? [] : [`frame-src ${new URL(frame).origin}`]),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
