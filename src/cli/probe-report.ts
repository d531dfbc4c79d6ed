/** Formats the report on a probed node, with the labels of nmap's `bitcoin-info` script where that script has one. */
import { type ProbeStep, type Reason, REASONS } from '../index.js';
import type { Identification } from '../learn/index.js';
import type { ProbePhases, ProbeReport } from '../probe/probe.js';
import type { Paint } from './output.js';
import { duration, failureLine, plain, readable } from './peer-lines.js';

/** A report with the result of `--identify`, if it was given. */
export type IdentifiedReport = ProbeReport & { readonly identity?: Identification };

/** The lines about one node; only the failure if it sent no version. */
export function reportLines(report: IdentifiedReport, paint: Paint): string[] {
  if (report.version === undefined)
    return [
      ...earlier(report, paint),
      failureLine(report.addr, failure(report), paint, report.diagnosis && ''),
      ...next(report, paint),
    ];
  const head = report.ok ? paint('green', 'ok') : paint('red', report.reason?.code ?? 'failed');
  return [
    ...earlier(report, paint),
    `${paint('bold', named(report))} ${head}`,
    ...body(report).map(([key, value]) => `  ${paint('dim', key.padEnd(11))} ${value}`),
    ...next(report, paint),
  ];
}

/** The last line of a failure: the step that failed, and what to do. */
function next({ diagnosis }: ProbeReport, paint: Paint): string[] {
  if (!diagnosis) return [];
  const { step, cure } = diagnosis;
  return [`${paint('yellow', `Failed at ${STEP_NAMES[step]}.`)} ${cure}`];
}

const STEP_NAMES: Readonly<Record<ProbeStep, string>> = {
  name: 'the name',
  proxy: 'the proxy',
  tcp: 'TCP',
  transport: 'the transport',
  version: 'version',
  verack: 'verack',
  ping: 'ping',
};

/** The failures of the addresses of the same name that were tried before. */
const earlier = ({ failed = [] }: ProbeReport, paint: Paint): string[] =>
  failed.map(({ addr, reason }) => failureLine(addr, reason, paint));

const failure = ({ reason }: ProbeReport): Reason => reason ?? { code: 'ERR_LOCAL_BUG', facts: {} };

const named = ({ host, addr }: ProbeReport): string =>
  addr.startsWith(host) ? addr : `${addr} (${plain(host)})`;

function body(report: IdentifiedReport): [key: string, value: string][] {
  return [
    ['Network', [report.chain, report.network, report.transport_protocol_type].join(', ')],
    ...(report.session_id ? [['Session', report.session_id] as [string, string]] : []),
    ['Version', String(report.version)],
    ['User Agent', plain(report.subver ?? '') || '(none)'],
    ...(report.identity ? [['Behaves as', report.identity.label] as [string, string]] : []),
    ['Services', words(report.servicesnames, 'none')],
    [
      'Lastblock',
      `${report.startingheight}, ${report.relaytxes ? 'relays' : 'does not relay'} transactions, clock ${offset(report.timeoffset ?? 0)}`,
    ],
    ['Negotiated', words(report.negotiated, 'nothing')],
    ['Time', times(report.phases)],
    ...(report.reason ? [['Failed', because(report.reason)] as [string, string]] : []),
  ];
}

const words = (list: readonly string[] = [], none: string): string =>
  list.length === 0 ? none : list.map((word) => plain(word)).join(', ');

const because = ({ code, facts }: Reason): string => `${REASONS[code].says}: ${readable(facts)}`;

const offset = (seconds: number): string =>
  seconds === 0 ? 'exact' : `${seconds > 0 ? '+' : ''}${seconds} s`;

const STEPS = [
  'dns',
  'connect',
  'version',
  'verack',
  'ping',
] as const satisfies readonly (keyof ProbePhases)[];

const times = (phases: ProbePhases): string =>
  STEPS.flatMap((step) => (phases[step] === undefined ? [] : [`${step} ${duration(phases[step])}`])).join(
    ', ',
  );
