/**
 * What a NATS server needs to demand TLS and credentials: a certificate for localhost by openssl, an operator, an account and a
 * user as JSON Web Tokens (NATS: "Decentralized JWT authentication"), and the credentials file of the user.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface SecuredNats {
  /** The server's configuration file. */
  readonly config: string;
  /** The certificate that clients must trust. */
  readonly certificate: string;
  /** Credentials that the server accepts, and those of a user that it does not know. */
  readonly credentials: string;
  readonly strangers: string;
}

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token about `subject`, signed by `issuer`. */
function token(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const header = segment({ typ: 'JWT', alg: 'ed25519-nkey' });
  const names = { iss: issuer.getPublicKey(), sub: subject.getPublicKey(), name };
  const iat = Math.floor(Date.now() / 1_000);
  const body = segment({ jti: randomUUID(), iat, ...names, nats: { ...nats, version: 2 } });
  const signature = Buffer.from(issuer.sign(Buffer.from(`${header}.${body}`))).toString('base64url');
  return `${header}.${body}.${signature}`;
}

const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const account = {
  type: 'account',
  limits: {
    ...{ ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  },
};
/** The system account may use no JetStream. */
const system = { ...account, limits: { ...account.limits, mem_storage: 0, disk_storage: 0 } };

function credentialsOf(issuer: KeyPair): string {
  const user = nkeys.createUser();
  const jwt = token(issuer, user, 'crawler', { type: 'user', ...UNLIMITED, pub: {}, sub: {} });
  const seed = Buffer.from(user.getSeed()).toString();
  const begin = (what: string): string => `-----BEGIN ${what}-----`;
  return [
    ...[begin('NATS USER JWT'), jwt, '------END NATS USER JWT------', ''],
    ...[begin('USER NKEY SEED'), seed, '------END USER NKEY SEED------', ''],
  ].join('\n');
}

function certificateIn(directory: string): { cert: string; key: string } {
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...make, ...names], { stdio: 'ignore' });
  return { cert, key };
}

/** Makes all of it in a directory. */
export function secureNats(directory: string): SecuredNats {
  const { cert, key } = certificateIn(directory);
  const [operator, own, sys] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const accounts = {
    [own.getPublicKey()]: token(operator, own, 'crawl', account),
    [sys.getPublicKey()]: token(operator, sys, 'SYS', system),
  };
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const operatorToken = token(operator, operator, 'operator', { type: 'operator' });
  const preload = Object.entries(accounts).map(([name, jwt]) => `  ${name}: ${jwt}`);
  const config = [
    `operator: ${operatorToken}`,
    `system_account: ${sys.getPublicKey()}`,
    'resolver: MEMORY',
    ...['resolver_preload: {', ...preload, '}'],
    // By default a client has two seconds for the TLS handshake, and one more to log in.
    `tls { cert_file: "${cert}", key_file: "${key}", timeout: 30 }`,
    '',
  ];
  return {
    config: file('nats.conf', config.join('\n')),
    certificate: cert,
    credentials: file('crawler.creds', credentialsOf(own)),
    strangers: file('stranger.creds', credentialsOf(nkeys.createAccount())),
  };
}
