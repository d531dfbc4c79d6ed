/** The names of the streams, subjects and buckets of a fleet, the ids of messages, and time limits. */
import type { ContactJob } from '../contact.js';

/** The work queue: each job is delivered to one worker, and again if that worker does not acknowledge it. */
export const JOBS = {
  stream: 'VERACK_CRAWL_JOBS',
  subject: 'verack.crawl.jobs',
  consumer: 'workers',
} as const;
/** The results, one subject per crawl, stored for {@link RESULT_AGE}. */
export const RESULTS = { stream: 'VERACK_CRAWL_RESULTS', subjects: 'verack.crawl.results.*' } as const;
/** The bucket with an entry for each running worker and each running job; entries expire. */
export const LEASES = 'verack_crawl_workers';
/** The bucket of addresses that must not be contacted. */
export const OPT_OUTS = 'verack_crawl_optout';

export const resultSubject = (crawl: string): string => `verack.crawl.results.${crawl}`;

/** The message id of a job and of its result. The server drops a second message with the same id within {@link DUPLICATE_WINDOW}. */
export const messageId = ({ crawl, addr, round }: Pick<ContactJob, 'crawl' | 'addr' | 'round'>): string =>
  `${crawl}|${addr}|${round}`;

/** Seconds after which a job is delivered again if its worker has sent no heartbeat. */
export const ACK_WAIT = 10;
/** Seconds between two heartbeats of a worker, for each job and for its lease. */
export const HEARTBEAT = 3;
/** Seconds after which a job whose lease another worker holds is delivered again. */
export const LEASE_RETRY = 2;
/** Seconds after which a lease expires. */
export const LEASE_TTL = 15;
/** Hours within which a second message with the same id is dropped. */
export const DUPLICATE_WINDOW = 2;
/** Hours for which results are stored. */
export const RESULT_AGE = 72;

/** An entry as key of a bucket: keys must not contain colons or brackets. */
export const keyOf = (entry: string): string => Buffer.from(entry).toString('base64url');
export const entryOf = (key: string): string => Buffer.from(key, 'base64url').toString();
