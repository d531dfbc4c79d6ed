/**
 * The pages and what goes with them, each with a Content-Security-Policy that lets nothing else in: no inline script, no
 * other host. Only `/stately` may frame one other origin.
 */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { HttpGuard } from '../http/http-guard.js';
import { FULL_LIMIT } from './actor-registry.js';
import type { Transcript } from './page/feed-messages.js';

/** The page that `@statelyai/inspect` opens. */
export const STATELY_INSPECTOR = 'https://stately.ai/inspect';

export interface Display {
  /** The page that `/stately` frames. Default {@link STATELY_INSPECTOR}. */
  readonly frame?: string;
  /** The folder of the compiled `src/inspect/page`, as a URL with `/` at its end. Default that of this package. */
  readonly scripts?: URL;
  readonly sessions?: ReadonlyMap<string, Transcript>;
}

interface Item {
  readonly type: string;
  readonly body: string;
  readonly frame?: string;
}

/** This package's own folder, from `src/inspect` and from `dist/src/inspect` alike. */
const PACKAGE = new URL(
  new URL('../../', import.meta.url).pathname.endsWith('/dist/') ? '../../../' : '../../',
  import.meta.url,
);
const SCRIPTS = new URL('dist/src/inspect/page/', PACKAGE);

const HTML = 'text/html';
const JS = 'text/javascript';
const JSON_TYPE = 'application/json';

/** What lies in a file, by path. */
const FILES: ReadonlyMap<string, readonly [type: string, file: string]> = new Map([
  ['/', [HTML, 'src/inspect/page/index.html']],
  ['/style.css', ['text/css', 'src/inspect/page/style.css']],
  ['/peer.svg', ['image/svg+xml', 'diagrams/peer.svg']],
]);

/** Answers GET and HEAD of the few paths there are; everything else is refused. */
export function serveStaticFiles(door: HttpGuard, display: Display): RequestListener {
  return (request, response) => {
    const status = refusalOf(door, request);
    if (status) return refuse(response, status);
    const path = (request.url ?? '').replace(/\?.*$/s, '');
    itemAt(path, display).then(
      (item) => (item ? send(request, response, item) : refuse(response, 404)),
      () => refuse(response, 404),
    );
  };
}

/** Rejects when a file is not there, as the scripts are before the first build. */
async function itemAt(path: string, display: Display): Promise<Item | undefined> {
  const { frame = STATELY_INSPECTOR, scripts = SCRIPTS, sessions } = display;
  if (path === '/stately') return { type: HTML, body: await statelyPage(frame), frame };
  if (path.startsWith('/sessions/')) return recorded(sessions?.get(nameIn(path.slice('/sessions/'.length))));
  const script = /^\/page\/([a-z-]+\.js)$/.exec(path)?.[1];
  if (script !== undefined) return { type: JS, body: await readFile(new URL(script, scripts), 'utf8') };
  const [type, file] = FILES.get(path) ?? [];
  if (type === undefined || file === undefined) return undefined;
  return { type, body: await readFile(new URL(file, PACKAGE), 'utf8') };
}

/** The page that frames `frame`; what is filled in cannot become markup. */
async function statelyPage(frame: string): Promise<string> {
  const { href, host } = new URL(frame);
  const values: Readonly<Record<string, string>> = { frame: href, host, limit: String(FULL_LIMIT) };
  const page = await readFile(new URL('src/inspect/page/stately.html', PACKAGE), 'utf8');
  return page.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => escaped(values[name] ?? ''));
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const recorded = (story: Transcript | undefined): Item | undefined =>
  story && { type: JSON_TYPE, body: JSON.stringify(story) };

function nameIn(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function refusalOf(door: HttpGuard, request: IncomingMessage): number {
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
