/**
 * The crawler: {@link Crawl} contacts every advertised address and writes the results to a crawl file. Estimates and views are
 * functions of a {@link Snapshot} of that file.
 */
export { Crawl } from './crawl.js';
export type { CrawlReport, CrawlStatus } from './crawl.js';
export type { ContactJob, ContactOutcome, ContactReport, Contacts, IdentifiedNode } from './contact.js';
export { compareCrawls, compareServices, compareV2, suspectDuplicates } from './comparisons.js';
export { estimateReachable } from './estimates.js';
export type { CrawlFileEvent } from './events.js';
export { IdentifyingContacts } from './identifying-contacts.js';
export { NodeContacts } from './node-contacts.js';
export { ADDRESS_BOOK } from './known-address.js';
export { addressesIn, loadSnapshot, networkLookup } from './resume.js';
export { canonicalAddr, CRAWL_DEFAULTS, crawlerAgent } from './options.js';
export type { CrawlOptions, Seed } from './options.js';
export { OptOutList } from './opt-out.js';
export { classifyHost } from './netgroup.js';
export { Snapshot } from './snapshot.js';
export { summaryOf } from './summary.js';
export type { CrawlSummary } from './summary.js';
export { FORMATS, viewOf } from './views/index.js';
export type { Format } from './views/index.js';
