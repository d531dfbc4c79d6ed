/** Sends HTTP responses with the security headers that all servers of this project use. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** The parts of a response. `status` is 200 by default; `type` is the value of Content-Type. */
export interface Content {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers GET with headers and body, HEAD with the headers only. */
export function respond(request: IncomingMessage, response: ServerResponse, content: Content): void {
  const { status = 200, type, body, headers } = content;
  const length = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, { ...HEADERS, ...length, ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Answers with an error status and the reason as text, and closes the connection. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const close = { Connection: 'close', ...headers };
  respond(request, response, {
    status,
    type: 'text/plain; charset=utf-8',
    body: `${status}: ${reason}\n`,
    headers: close,
  });
}
