/** Names of the streams, subjects and buckets that a fleet shares, and the forms of what goes over them. */
import type { ContactJob } from '../contact.js';

/** A work queue: each job is delivered to one worker, and again when that worker does not acknowledge it. */
export const JOBS = {
  stream: 'VERACK_CRAWL_JOBS',
  subject: 'verack.crawl.jobs',
  consumer: 'workers',
} as const;
/** Results, kept for a while, one subject per crawl. */
export const RESULTS = { stream: 'VERACK_CRAWL_RESULTS', subjects: 'verack.crawl.results.*' } as const;
/** Workers that are alive and jobs under way: an entry each, which expires. */
export const LEASES = 'verack_crawl_workers';
/** Addresses that must not be contacted. */
export const OPT_OUTS = 'verack_crawl_optout';

export const resultSubject = (crawl: string): string => `verack.crawl.results.${crawl}`;

/** A job, and its result, have the same message id: the server refuses a second one within its window. */
export const messageId = ({ crawl, addr, round }: Pick<ContactJob, 'crawl' | 'addr' | 'round'>): string =>
  `${crawl}|${addr}|${round}`;

/** Seconds after which a job is delivered again when its worker has sent no heartbeat. */
export const ACK_WAIT = 10;
/** Seconds between two heartbeats of a worker, for each job and for its lease. */
export const HEARTBEAT = 3;
/** Seconds after which a job whose lease another worker holds is delivered again. */
export const LEASE_RETRY = 2;
/** Seconds after which a lease expires. */
export const LEASE_TTL = 15;
/** Hours within which a message id is refused a second time. */
export const DUPLICATE_WINDOW = 2;
/** Hours that results are kept. */
export const RESULT_AGE = 72;

/** A key of a bucket may not hold colons or brackets. */
export const keyOf = (entry: string): string => Buffer.from(entry).toString('base64url');
export const entryOf = (key: string): string => Buffer.from(key, 'base64url').toString();
