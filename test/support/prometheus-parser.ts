/**
 * A strict reader of Prometheus' text format (version 0.0.4): HELP, then TYPE, then the samples of one family, in one
 * block; every label escaped; histograms cumulative up to +Inf. Throws at the first line that breaks a rule.
 */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)/y;

export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families = new Map<string, Family>();
  for (const block of text.split(/^(?=# HELP )/m)) {
    const [name, family] = familyOf(block.split('\n').filter((line) => line !== ''));
    if (families.has(name)) throw new Error(`${name} twice`);
    families.set(name, family);
  }
  return families;
}

function familyOf([first = '', second = '', ...rest]: readonly string[]): [string, Family] {
  const [, name = '', help = ''] = /^# HELP (\S+) (.+)$/.exec(first) ?? [];
  const [, typed = '', type = ''] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(second) ?? [];
  if (name === '' || typed !== name) throw new Error(`no HELP and TYPE: ${first} ${second}`);
  const family = { type, help, samples: rest.map(sampleOf) };
  const stray = family.samples.find((sample) => !belongs(sample.name, name, type));
  if (stray) throw new Error(`${stray.name} among ${name}`);
  check(name, family);
  return [name, family];
}

function sampleOf(line: string): Sample {
  const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  return { name, labels: labelsOf(labels), value: Number(value.replace('Inf', 'Infinity')) };
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  for (let at = 0; at < text.length; at = LABEL.lastIndex) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '' || name in labels) throw new Error(`bad labels: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
  }
  return labels;
}

const belongs = (sample: string, family: string, type: string): boolean =>
  type === 'histogram'
    ? sample.startsWith(family) && /^_(bucket|sum|count)$/.test(sample.slice(family.length))
    : sample === family;

function check(name: string, { type, samples }: Family): void {
  const keys = samples.map((sample) => JSON.stringify([sample.name, Object.entries(sample.labels).sort()]));
  if (new Set(keys).size !== keys.length) throw new Error(`${name}: the same series twice`);
  if (type !== 'gauge' && samples.some(({ value }) => !(value >= 0))) throw new Error(`${name}: below 0`);
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name}: a counter ends in _total`);
  if (type === 'histogram') checkHistogram(name, samples);
}

const groupOf = ({ labels }: Sample): string =>
  JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le'));

function checkHistogram(name: string, samples: readonly Sample[]): void {
  for (const group of new Set(samples.map(groupOf))) {
    const own = samples.filter((sample) => groupOf(sample) === group);
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels.le?.replace('Inf', 'Infinity')));
    const counts = buckets.map(({ value }) => value);
    const isRising = (row: readonly number[]): boolean =>
      row.every((each, i) => i === 0 || each >= row[i - 1]!);
    if (bounds.at(-1) !== Infinity || !isRising(bounds) || !isRising(counts))
      throw new Error(`${name}: buckets ${bounds.join()} ${counts.join()}`);
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    const sum = own.find((sample) => sample.name === `${name}_sum`)?.value;
    if (count !== counts.at(-1) || sum === undefined) throw new Error(`${name}: count and sum`);
  }
}
