/** A DNS server on loopback that answers from a list, over UDP. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

import packet from 'dns-packet';

type Records = string[] | 'silent';

/** Addresses by name (lower case) and record type. `silent`: no answer at all. A name that is missing: NXDOMAIN. */
export type Zone = Readonly<Record<string, 'silent' | { readonly A?: Records; readonly AAAA?: Records }>>;

export interface DnsServer {
  /** `ip:port`, as `Resolver.setServers` takes it. */
  readonly address: string;
  /** Every question, in the order in which they came: `A x9.seed.example`. A repeated one comes again. */
  readonly asked: string[];
  close(): Promise<void>;
}

const NXDOMAIN = 3;

function answer(query: packet.Packet, zone: Zone): Buffer | undefined {
  const [question] = query.questions ?? [];
  if (!question) return undefined;
  const { name, type } = question;
  const entry = zone[name.toLowerCase()];
  if (entry === 'silent') return undefined;
  const records = type === 'A' || type === 'AAAA' ? (entry?.[type] ?? []) : [];
  if (records === 'silent') return undefined;
  return packet.encode({
    type: 'response',
    ...(query.id !== undefined && { id: query.id }),
    flags: packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | (entry ? 0 : NXDOMAIN),
    questions: [question],
    answers: records.map((data) => ({ type: type as 'A' | 'AAAA', name, ttl: 60, data })),
  });
}

export async function dnsServer(zone: Zone): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (bytes, from) => {
    const query = packet.decode(bytes);
    asked.push(...(query.questions ?? []).map(({ type, name }) => `${type} ${name.toLowerCase()}`));
    const reply = answer(query, zone);
    if (reply) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}
