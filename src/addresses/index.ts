/**
 * `verack/addresses`: the address book. It stores which addresses are known and which have worked, and selects addresses to
 * try, by the rules of Bitcoin Core's address manager. Its files `peers.dat` and `anchors.dat` have Core's format.
 *
 * {@link createAddressBook} creates an empty book, {@link restoreAddressBook} one from a file. The book does no I/O; its clock
 * and random source are options. Only the functions of `peers-file.ts` ({@link loadPeers} and others) access files.
 *
 * @module
 */
export { ADDR_RATE, AddrRateLimit, MAX_ADDR_TO_SEND } from './addr-rate-limit.js';
export { GetAddrCache, MAX_GETADDR_PERCENT } from './getaddr-cache.js';
export type { GetAddrSource } from './getaddr-cache.js';
export { AddressBook, createAddressBook, restoreAddressBook } from './address-book.js';
export type {
  AddressBookOptions,
  GetAddrOptions,
  Position,
  Selected,
  SelectOptions,
} from './address-book.js';
export type { AddressRecord, NetService, SavedEntry } from './entry.js';
export {
  BUCKET_SIZE,
  DETERMINISTIC_KEY,
  KEY_SIZE,
  NEW_BUCKETS,
  NEW_BUCKETS_PER_SOURCE_GROUP,
  TRIED_BUCKETS,
  TRIED_BUCKETS_PER_GROUP,
} from './placement.js';
export { decodeAnchors, decodePeers, encodeAnchors, encodePeers, MAX_ANCHORS } from './peers-format.js';
export type { FileDecoding } from './peers-format.js';
export {
  ANCHORS_FILE,
  loadPeers,
  PEERS_FILE,
  readPeersFile,
  setAside,
  takeAnchors,
  writeAnchors,
  writePeersFile,
} from './peers-file.js';
export type { FileContents } from './peers-file.js';
export { rawAddrman } from './rawaddrman.js';
export type { RawAddress, RawAddrman, RawTable } from './rawaddrman.js';
export type { SavedBook } from './saved-book.js';
export type { TableName } from './tables.js';
export { isAsmap } from '../net/asmap.js';
export { createNetgroups, netClassOf, netgroupOf } from '../net/netgroup.js';
export type { NetClass, Netgroups } from '../net/netgroup.js';
