/** The base class of links that wrap another link. */
import type { LinkCode } from '../../reasons.js';
import type { Endpoint, Link, LinkHandler } from '../link.js';

/** A link that passes everything unchanged between an inner link and its owner. Subclasses override what they change. */
export class LinkWrapper implements Link, LinkHandler {
  protected handler: LinkHandler | undefined;

  constructor(protected readonly inner: Link) {}

  /** The local endpoint of the inner link. */
  get local(): Endpoint {
    return this.inner.local;
  }

  /** The remote endpoint of the inner link. */
  get remote(): Endpoint {
    return this.inner.remote;
  }

  get pending(): number {
    return this.inner.pending;
  }

  attach(handler: LinkHandler): void {
    this.handler = handler;
    this.inner.attach(this);
  }

  write(frames: readonly Uint8Array[]): void {
    this.inner.write(frames);
  }

  pause(): void {
    this.inner.pause();
  }

  resume(): void {
    this.inner.resume();
  }

  rest(): void {
    this.inner.rest();
  }

  end(): void {
    this.inner.end();
  }

  destroy(): void {
    this.inner.destroy();
  }

  data(chunk: Uint8Array): void {
    this.handler?.data(chunk);
  }

  closed(code: LinkCode): void {
    this.handler?.closed(code);
  }

  drained(): void {
    this.handler?.drained?.();
  }
}
