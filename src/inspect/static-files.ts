/**
 * Serves the pages and their files, with a Content-Security-Policy that permits no inline scripts and no other hosts. Only
 * `/stately` may frame one other origin.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { HttpGuard } from '../http/http-guard.js';
import { refuse, respond } from '../http/http-response.js';
import { escaped } from '../markup/escaped.js';
import { MACHINES } from '../../machines/index.js';
import { FULL_LIMIT } from './actor-registry.js';
import type { Transcript } from './page/feed-messages.js';

/** The page that `@statelyai/inspect` opens. */
export const STATELY_INSPECTOR = 'https://stately.ai/inspect';

/** What is served. */
export interface Display {
  /** The page that `/stately` frames. Default {@link STATELY_INSPECTOR}. */
  readonly frame?: string;
  /** The directory of the compiled `src/inspect/page`, as a URL that ends with `/`. Default: that of this package. */
  readonly scripts?: URL;
  readonly sessions?: ReadonlyMap<string, Transcript>;
}

interface Item {
  readonly type: string;
  readonly body: string;
  readonly frame?: string;
  /** The inline style of the page. Such a page may also send a form to this server. */
  readonly style?: string;
}

/** The directory of this package, whether this file runs from `src/inspect` or `dist/src/inspect`. */
const PACKAGE = new URL(
  new URL('../../', import.meta.url).pathname.endsWith('/dist/') ? '../../../' : '../../',
  import.meta.url,
);
const SCRIPTS = new URL('dist/src/inspect/page/', PACKAGE);

const HTML = 'text/html';
const JS = 'text/javascript';
const JSON_TYPE = 'application/json';
const NOT_FOUND = 'there is no such page';

/** The static files by path. */
const FILES: ReadonlyMap<string, readonly [type: string, file: string]> = new Map([
  ['/', [HTML, 'src/inspect/page/index.html']],
  ['/style.css', ['text/css', 'src/inspect/page/style.css']],
]);

/** Answers GET and HEAD for the known paths; refuses everything else. */
export function serveStaticFiles(guard: HttpGuard, display: Display): RequestListener {
  return (request, response) => {
    const [status, reason = ''] = refusalOf(guard, request) ?? [];
    if (status !== undefined) return refuse(request, response, status, reason);
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    itemAt(path, query, display).then(
      (item) => (item ? send(request, response, item) : refuse(request, response, 404, NOT_FOUND)),
      () => refuse(request, response, 404, NOT_FOUND),
    );
  };
}

/** What a path shows. Rejects when a file is not there, as the scripts are before the first build. */
async function itemAt(path: string, query: string, display: Display): Promise<Item | undefined> {
  const { frame = STATELY_INSPECTOR, scripts = SCRIPTS, sessions } = display;
  if (path === '/stately') return { type: HTML, body: await statelyPage(frame), frame };
  if (path === '/compare') return comparison(new URLSearchParams(query));
  if (path.startsWith('/sessions/')) return recorded(sessions?.get(nameIn(path.slice('/sessions/'.length))));
  return fileAt(path, scripts);
}

async function fileAt(path: string, scripts: URL): Promise<Item | undefined> {
  const script = /^\/page\/([a-z-]+\.js)$/.exec(path)?.[1];
  if (script !== undefined) return { type: JS, body: await readFile(new URL(script, scripts), 'utf8') };
  const chart = chartFileOf(path);
  const [type, file] = chart ?? FILES.get(path) ?? [];
  if (type === undefined || file === undefined) return undefined;
  return { type, body: await readFile(new URL(file, PACKAGE), 'utf8') };
}

/** `/charts/NAME.svg` and `/charts/NAME.overview.svg`, for each machine. */
function chartFileOf(path: string): readonly [type: string, file: string] | undefined {
  const [, name, overview = ''] = /^\/charts\/(\w+)(\.overview)?\.svg$/.exec(path) ?? [];
  if (!MACHINES.some((machine) => machine.name === name)) return undefined;
  return ['image/svg+xml', `diagrams/${name}${overview}.svg`];
}

/** Two learned models side by side. The module is loaded on the first request. */
async function comparison(query: URLSearchParams): Promise<Item> {
  const { chosenComparison } = await import('../learn/index.js');
  const body = await chosenComparison(query);
  return { type: HTML, body, style: /<style>(.*?)<\/style>/s.exec(body)?.[1] ?? '' };
}

/** The page that frames `frame`; what is filled in cannot become markup. */
async function statelyPage(frame: string): Promise<string> {
  const { href, host } = new URL(frame);
  const values: Readonly<Record<string, string>> = { frame: href, host, limit: String(FULL_LIMIT) };
  const page = await readFile(new URL('src/inspect/page/stately.html', PACKAGE), 'utf8');
  return page.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => escaped(values[name] ?? ''));
}

const recorded = (transcript: Transcript | undefined): Item | undefined =>
  transcript && { type: JSON_TYPE, body: JSON.stringify(transcript) };

function nameIn(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function refusalOf(
  guard: HttpGuard,
  request: IncomingMessage,
): readonly [status: number, reason: string] | undefined {
  const reason = guard.refusalOf(request);
  if (reason !== undefined) return [403, reason];
  return request.method === 'GET' || request.method === 'HEAD' ? undefined : [405, 'GET or HEAD'];
}

function send(request: IncomingMessage, response: ServerResponse, { type, body, frame, style }: Item): void {
  const policy = policyOf(request.headers.host ?? '', frame, style);
  const headers = { 'Content-Security-Policy': policy };
  respond(request, response, { type: `${type}; charset=utf-8`, body, headers });
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64');

/** The guard has checked `host`. Older browsers do not take a WebSocket for 'self', so it is named. */
function policyOf(host: string, frame: string | undefined, style: string | undefined): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    style === undefined ? "style-src 'self'" : `style-src 'sha256-${hashOf(style)}'`,
    'img-src data:',
    `connect-src 'self' ws://${host}`,
    ...(frame === undefined ? [] : [`frame-src ${new URL(frame).origin}`]),
    "base-uri 'none'",
    `form-action ${style === undefined ? "'none'" : "'self'"}`,
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}
