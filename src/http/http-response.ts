/** Answers with the headers that every response of these servers has. */
import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADERS = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** What a response is made of. */
export interface Content {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers GET with headers and body, HEAD with the headers alone. */
export function respond(request: IncomingMessage, response: ServerResponse, content: Content): void {
  const { status = 200, type, body, headers } = content;
  const length = { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, { ...HEADERS, ...length, ...headers });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Answers with an error status and, as text, the reason; then the connection is closed. */
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
