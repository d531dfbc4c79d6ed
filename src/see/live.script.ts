/**
 * What runs in the page at `/`. It is told the messages of the lean stream and draws at most ten times a second, at
 * most {@link ROWS} rows and as many lines of the log, however many peers there are. Text of peers is only ever set as
 * text; the page's policy (trusted types) forbids anything else.
 */
import { ENDED_LIMIT, EXCHANGE } from './ledger.js';

/** Rows of the table, and lines of the log, that are drawn. */
export const ROWS = 200;

export const LIVE_SCRIPT = String.raw`'use strict';
const ROWS = ${ROWS};
const ENDED_KEPT = ${ENDED_LIMIT};
const EXCHANGE = '${EXCHANGE}';
const FRAME_MS = 100;
const FLASHES = 24;
const RETRY_MS = 2000;
const STATES = ['connecting', 'awaitingVersion', 'versionSent', 'versionReceived', 'established', 'closed', 'failed'];
const OVER = ['closed', 'failed'];

const byId = (id) => document.getElementById(id);
const actors = new Map();
const ended = [];
const exchanged = [];
const rows = new Map();
const chips = new Map();
const badges = new Map();
let news = [];
let only = '';
let chosen = '';
let drawAt = 0;
let flashes = 0;
let drawCost = 0;

// ---- what is told

function take(message) {
  if (message.type === '@xstate.actor') register(message);
  else if (message.type === '@xstate.snapshot') move(message);
  drawSoon();
}

function register(message) {
  const { sessionId, name, addr, rootId, snapshot, createdAt } = message;
  const at = Number(createdAt);
  actors.set(sessionId, { sessionId, name, addr, rootId, at, event: '', flash: 0, ended: false });
  settle(actors.get(sessionId), snapshot, at);
}

function move(message) {
  const actor = actors.get(message.sessionId);
  if (!actor) return;
  const from = actor.state;
  const at = Number(message.createdAt);
  actor.event = eventOf(message.event.type);
  settle(actor, message.snapshot, at);
  actor.flash = ++flashes;
  if (from === actor.state) return;
  news.push({ at, name: actor.name, from, to: actor.state, event: actor.event, reason: reasonOf(actor) });
  if (news.length > ROWS) news.shift();
}

function settle(actor, snapshot, at) {
  const state = stateOf(snapshot);
  if (state !== actor.state) actor.since = at;
  actor.state = state;
  actor.context = snapshot.context || {};
  actor.error = snapshot.error || '';
  if (snapshot.status !== 'active') end(actor);
}

// The node forgets in the same order, so what is shown here is what a page opened now would show.
function end(actor) {
  if (actor.ended) return;
  actor.ended = true;
  const list = actor.name.startsWith(EXCHANGE) ? exchanged : ended;
  list.push(actor.sessionId);
  if (list.length > ENDED_KEPT) actors.delete(list.shift());
}

function stateOf(snapshot) {
  let value = snapshot.value;
  while (value && typeof value === 'object') value = Object.values(value)[0];
  return typeof value === 'string' && snapshot.status !== 'error' && snapshot.status !== 'stopped'
    ? value
    : snapshot.status;
}

// 'xstate.after.handshakeTimeout.peer.handshaking' is a deadline, by its name.
const eventOf = (type) => (type.startsWith('xstate.after.') ? 'after ' + type.split('.')[2] : type);
const reasonOf = (actor) => (actor.context.reason ? actor.context.reason.code : actor.error);
const isPeer = (actor) => 'connection_type' in actor.context;

// ---- what is drawn

function drawSoon() {
  if (drawAt) return;
  // A page that is slow to draw draws less often.
  drawAt = setTimeout(() => requestAnimationFrame(draw), Math.max(FRAME_MS, 5 * drawCost));
}

function draw(startedAt) {
  drawAt = 0;
  const all = Array.from(actors.values());
  const peers = all.filter(isPeer);
  drawSupervisors(all);
  drawCounts(peers);
  drawRows(ordered(peers));
  drawLog();
  drawOne();
  drawCost = performance.now() - startedAt;
}

function drawSupervisors(all) {
  const roots = all.filter((actor) => 'maxinbound' in actor.context);
  const says = ({ name, state, context }) =>
    name + ' ' + state + ' · in ' + context.inbound + '/' + context.maxinbound +
    ' · out ' + context.outbound + '/' + context.maxoutbound;
  say(byId('supervisors'), roots.slice(-4).map(says).join('   '));
}

function drawCounts(peers) {
  const counts = new Map(STATES.map((state) => [state, 0]));
  for (const { state } of peers) counts.set(state, (counts.get(state) || 0) + 1);
  for (const [state, count] of counts) {
    const chip = chips.get(state) || addChip(state);
    say(chip.lastChild, String(count));
    chip.classList.toggle('none', count === 0);
    light(state, count);
  }
}

function addChip(state) {
  const chip = make('button', 'chip ' + state);
  chip.type = 'button';
  chip.append(make('span', '', state), make('b', '', '0'));
  chip.setAttribute('aria-pressed', 'false');
  if (OVER.includes(state)) chip.title = 'of the latest ' + ENDED_KEPT + ' that ended';
  chip.addEventListener('click', () => choose(only === state ? '' : state));
  chips.set(state, chip);
  byId('states').append(chip);
  return chip;
}

function choose(state) {
  only = state;
  for (const [name, chip] of chips) chip.setAttribute('aria-pressed', String(name === state));
  drawSoon();
}

// The living first, the latest first.
function ordered(peers) {
  const text = byId('filter').value.trim().toLowerCase();
  const wanted = peers.filter((actor) => (!only || actor.state === only) && (!text || holds(actor, text)));
  const live = wanted.filter((actor) => !actor.ended).reverse();
  const places = new Map(ended.map((sessionId, place) => [sessionId, place]));
  const gone = wanted.filter((actor) => actor.ended);
  gone.sort((a, b) => places.get(b.sessionId) - places.get(a.sessionId));
  return live.concat(gone);
}

const holds = (actor, text) => cellsOf(actor).some((cell) => cell.toLowerCase().includes(text));

function cellsOf(actor) {
  const { context, name, addr, state, since, event } = actor;
  const reason = reasonOf(actor);
  return [
    name.replace('peer.', ''),
    addr || '',
    context.connection_type,
    reason ? state + ' · ' + reason : state,
    actor.ended ? '' : agoOf(Date.now() - since),
    context.subver || '',
    context.version ? String(context.version) : '',
    context.pingtime >= 0 ? msOf(context.pingtime) : '',
    event,
  ];
}

const agoOf = (ms) => {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + ' s';
  return s < 3600 ? Math.floor(s / 60) + ' min' : Math.floor(s / 3600) + ' h';
};
const msOf = (ms) => (ms < 10 ? ms.toFixed(2) : ms.toFixed(0)) + ' ms';

function drawRows(peers) {
  const shown = peers.slice(0, ROWS);
  const wanted = new Set(shown.map(({ sessionId }) => sessionId));
  for (const [sessionId, row] of rows) if (!wanted.has(sessionId)) { row.remove(); rows.delete(sessionId); }
  let place = byId('rows').firstChild;
  // When everything changes, flashing everything tells nothing, and costs most.
  const calm = shown.filter(hasNews).length <= FLASHES;
  for (const actor of shown) {
    const row = rows.get(actor.sessionId) || addRow(actor);
    if (row === place) place = place.nextSibling;
    else byId('rows').insertBefore(row, place);
    fillRow(row, actor, calm);
  }
  say(byId('more'), moreOf(peers.length - shown.length));
  byId('more').hidden = peers.length > 0 && peers.length === shown.length;
}

function moreOf(count) {
  if (count > 0) return 'and ' + count.toLocaleString('en') + ' more: filter, or pick a state above';
  return only || byId('filter').value ? 'no peer matches' : 'no peers yet';
}

function addRow(actor) {
  const row = make('tr');
  for (const name of ['number', 'peer', '', 'state', 'number', 'peer', 'number', 'number', 'event']) row.append(make('td', name));
  row.tabIndex = 0;
  const pick = () => { chosen = actor.sessionId; drawSoon(); };
  row.addEventListener('click', pick);
  row.addEventListener('keydown', (event) => event.key === 'Enter' && pick());
  row.flash = actor.flash;
  rows.set(actor.sessionId, row);
  return row;
}

function hasNews(actor) {
  const row = rows.get(actor.sessionId);
  return row !== undefined && row.flash !== actor.flash;
}

function fillRow(row, actor, calm) {
  cellsOf(actor).forEach((text, place) => say(row.children[place], text));
  // Two names for one animation: changing the name starts it again without a reflow.
  if (row.flash !== actor.flash) row.lit = !calm ? '' : row.lit === 'flash-a' ? 'flash-b' : 'flash-a';
  row.flash = actor.flash;
  const name = [actor.state, row.lit || '', actor.ended ? 'ended' : '', chosen === actor.sessionId ? 'chosen' : ''].join(' ');
  if (row.className !== name) row.className = name;
}

function drawLog() {
  const log = byId('log');
  for (const line of news) log.prepend(lineOf(line));
  news = [];
  while (log.childElementCount > ROWS) log.lastChild.remove();
}

function lineOf({ at, name, from, to, event, reason }) {
  const line = make('li', to);
  line.append(
    make('time', '', clockOf(at)), make('b', '', name), make('span', 'from', from),
    make('span', 'state', to), make('span', 'event', event), make('span', 'reason', reason),
  );
  return line;
}

const clockOf = (at) => {
  const when = new Date(at);
  return when.toTimeString().slice(0, 8) + '.' + String(when.getMilliseconds()).padStart(3, '0');
};

function drawOne() {
  const actor = actors.get(chosen);
  byId('one').hidden = !actor;
  if (!actor) return;
  say(byId('one-title'), actor.name + ' · ' + actor.state);
  say(byId('one-facts'), JSON.stringify(actor.context, null, 2));
}

// Only what differs touches the document.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  return element;
}

// ---- the picture, when the node has it

function loadPicture() {
  const request = new XMLHttpRequest();
  request.open('GET', '/peer.svg');
  request.responseType = 'document';
  request.addEventListener('load', () => request.status === 200 && hang(request.responseXML));
  request.send();
}

function hang(picture) {
  const svg = picture && picture.documentElement;
  if (!svg || svg.localName !== 'svg') return;
  byId('paper').append(document.importNode(svg, true));
  byId('picture').hidden = false;
  drawSoon();
}

function light(state, count) {
  const group = byId('state-' + state);
  if (!group) return;
  group.classList.toggle('lit', count > 0);
  const badge = badges.get(state) || addBadge(state, group);
  say(badge, count > 0 ? String(count) : '');
}

// On the top right corner of the state's box.
function addBadge(state, group) {
  const box = group.getBBox();
  const badge = document.createElementNS('http://www.w3.org/2000/svg', 'text');
  badge.setAttribute('class', 'badge');
  badge.setAttribute('x', String(box.x + box.width - 4));
  badge.setAttribute('y', String(box.y + 9));
  badge.setAttribute('text-anchor', 'middle');
  group.append(badge);
  badges.set(state, badge);
  return badge;
}

// ---- the stream

function connect() {
  const socket = new WebSocket('ws://' + location.host + '/stream');
  socket.addEventListener('open', () => { forgetAll(); tellLink('live', 'live'); });
  socket.addEventListener('message', ({ data }) => JSON.parse(data).forEach(take));
  socket.addEventListener('close', () => {
    tellLink('lost', 'the node does not answer; this is what was known last');
    setTimeout(connect, RETRY_MS);
  });
}

function tellLink(name, text) {
  byId('link').className = name;
  say(byId('link'), text);
}

function forgetAll() {
  actors.clear();
  ended.length = exchanged.length = 0;
  drawSoon();
}

byId('filter').addEventListener('input', drawSoon);
byId('one-close').addEventListener('click', () => { chosen = ''; drawSoon(); });
setInterval(drawSoon, 1000);
loadPicture();
connect();
`;
