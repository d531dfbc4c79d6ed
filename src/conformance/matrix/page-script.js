/* The script of the matrix page: filters the rows, and shows what was sent, expected and observed in a cell. */
const matrix = JSON.parse(document.getElementById('matrix').textContent);
const cases = new Map(matrix.cases.map((it) => [it.id, it]));
const form = document.querySelector('form');
const rows = [...document.querySelectorAll('#cases tbody tr')];

const verdictsOf = (it) => Object.values(it.results).map(({ verdict }) => verdict);
const differs = (it) => new Set(verdictsOf(it).filter((verdict) => verdict !== 'skip')).size > 1;

/** Whether the filters select a case. */
function isSelected(it, { text, command, bip, verdict, grade, role, evidence, differing }) {
  const words = `${it.id} ${it.name} ${it.rule}`.toLowerCase();
  return (
    text.split(/\s+/).every((word) => words.includes(word)) &&
    (!command || it.commands.includes(command)) &&
    (!bip || it.bips.includes(Number(bip))) &&
    (!verdict || verdictsOf(it).includes(verdict)) &&
    (!grade || it.grade === grade) &&
    (!role || it.role === role) &&
    (!evidence || it.evidence === evidence) &&
    (!differing || differs(it))
  );
}

function filter() {
  const { elements } = form;
  const chosen = Object.fromEntries(
    ['command', 'bip', 'verdict', 'grade', 'role', 'evidence'].map((name) => [name, elements[name].value]),
  );
  const filters = {
    ...chosen,
    text: elements.text.value.trim().toLowerCase(),
    differing: elements.differing.checked,
  };
  closeDetail();
  let shown = 0;
  for (const row of rows) {
    row.hidden = !isSelected(cases.get(row.dataset.id), filters);
    if (!row.hidden) shown += 1;
  }
  document.getElementById('shown').textContent = `${shown} of ${rows.length} cases`;
}

const element = (name, text, children = []) => {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
};

function closeDetail() {
  document.querySelector('tr.detail')?.remove();
  document.querySelector('[aria-expanded="true"]')?.setAttribute('aria-expanded', 'false');
}

const facts = (it, result) => [
  ['rule', it.rule],
  ['source', `${it.source} (${it.evidence})`],
  ['verified', it.verified.join(', ')],
  ['verdict', result.seen === '' ? result.verdict : `${result.verdict}: ${result.seen}`],
];

function detailOf(it, name) {
  const result = it.results[name];
  const list = facts(it, result)
    .filter(([, value]) => value !== '')
    .flatMap(([key, value]) => [element('dt', key), element('dd', value)]);
  const seen = result.log.length > 0 ? result.log.join('\n') : 'the case was not run';
  const sides = [
    element('section', '', [element('h2', 'sent and expected'), element('pre', it.expected.join('\n'))]),
    element('section', '', [element('h2', `observed at ${name}`), element('pre', seen)]),
  ];
  const frame = element('div', '', sides);
  frame.className = 'sides';
  return [element('div', '', [element('dl', '', list), frame])];
}

/** Shows the detail of a cell below its row, or hides it. */
function toggle(button) {
  const wasOpen = button.getAttribute('aria-expanded') === 'true';
  closeDetail();
  if (wasOpen) return;
  const row = button.closest('tr');
  const cell = element('td', '', detailOf(cases.get(row.dataset.id), button.dataset.node));
  cell.colSpan = row.cells.length;
  const detail = element('tr', '', [cell]);
  detail.className = 'detail';
  row.after(detail);
  button.setAttribute('aria-expanded', 'true');
}

form.addEventListener('input', filter);
form.addEventListener('submit', (event) => event.preventDefault());
document.getElementById('cases').addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (button) toggle(button);
});
filter();
