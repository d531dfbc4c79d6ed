/** JSON-RPC over HTTP as all three nodes speak it. */

const TIMEOUT_MS = 30_000;

/** Where a node's RPC answers, and as whom to ask. */
export interface RpcEndpoint {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** The node answered, and its answer was an error. */
export class RpcError extends Error {
  override readonly name = 'RpcError';

  /** `code` is the node's own; -28 means that it is still warming up. */
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
  }
}

/** Calls a method of the node on loopback; rejects with `RpcError` on an error answer, and after 30 s without one. */
export async function call(at: RpcEndpoint, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${at.port}/`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${at.user}:${at.password}`)}`,
      'content-type': 'application/json',
      // A connection that is kept open can be closed by the node (bcoin: after 5 s) while the next request is on its way.
      connection: 'close',
    },
    body: JSON.stringify({ method, params, id: 1 }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (text === '') throw new RpcError(`${method}: HTTP status ${response.status}`, response.status);
  const { result, error } = JSON.parse(text) as Answer;
  if (error) throw new RpcError(`${method}: ${error.message}`, error.code);
  return result;
}

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string } | null;
}
