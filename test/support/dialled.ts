/** One dial as a promise, and what comes over its link. */
import type { Endpoint, Link, Net } from '../../src/net/link.js';
import type { DialCode, Facts } from '../../src/reasons.js';

export type Dialled = { readonly link: Link } | { readonly code: DialCode; readonly facts: Facts };

export function dialled(net: Pick<Net, 'dial'>, to: Endpoint): Promise<Dialled> {
  return new Promise((resolve) => {
    net.dial(to, {
      opened: (link) => resolve({ link }),
      failed: (code, facts) => resolve({ code, facts }),
    });
  });
}

/** The first `length` bytes that come, as text; rejects when the link ends before. */
export function received(outcome: Dialled | Link, length: number): Promise<string> {
  if ('code' in outcome) return Promise.reject(new Error(outcome.code));
  const link = 'link' in outcome ? outcome.link : outcome;
  let text = '';
  return new Promise((resolve, reject) => {
    link.attach({
      data: (chunk) => {
        text += Buffer.from(chunk).toString();
        if (text.length >= length) resolve(text);
      },
      closed: (code) => reject(new Error(`${code} after "${text}"`)),
    });
  });
}
