/** The look of both pages, light and dark. */
export const STYLE = /* CSS */ `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1b2028; --soft: #5d6673; --line: #dfe3e8; --flash: #ffe9a8; --accent: #0a58ca;
  --connecting: #57606a; --waiting: #8a5a00; --received: #6639ba; --established: #11703a; --failed: #b42318; --closed: #57606a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151a; --card: #1a1f26; --ink: #e4e8ee; --soft: #98a2b0; --line: #2e353f; --flash: #4a4220; --accent: #7db3ff;
    --connecting: #a4adb9; --waiting: #e3b341; --received: #c2a5ff; --established: #56d38a; --failed: #ff8f85; --closed: #a4adb9;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: baseline; padding: 10px 20px; background: var(--card); border-bottom: 1px solid var(--line); position: sticky; top: 0; z-index: 2; }
header p { margin: 0; color: var(--soft); }
header a { margin-left: auto; }
h1 { font-size: 18px; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 14px; margin: 0; }
#link::before { content: '●'; margin-right: 6px; color: var(--soft); }
#link.live::before { color: var(--established); }
#link.lost::before { color: var(--failed); }
main { padding: 16px 20px; display: grid; gap: 16px; max-width: 1900px; margin: 0 auto; }
main > * { min-width: 0; }
section, aside, details { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }

nav { display: flex; flex-wrap: wrap; gap: 8px; }
.chip { font: inherit; color: var(--tone); background: var(--card); border: 1px solid var(--line); border-radius: 99px; padding: 4px 12px; cursor: pointer; display: flex; gap: 8px; }
.chip b { font-variant-numeric: tabular-nums; }
.chip.none { color: var(--soft); opacity: .65; }
.chip[aria-pressed='true'] { border-color: var(--tone); box-shadow: inset 0 0 0 1px var(--tone); opacity: 1; }

.connecting { --tone: var(--connecting); }
.awaitingVersion, .versionSent { --tone: var(--waiting); }
.versionReceived { --tone: var(--received); }
.established { --tone: var(--established); }
.failed, .error { --tone: var(--failed); }
.closed, .stopped { --tone: var(--closed); }

summary { cursor: pointer; font-weight: 600; }
#paper { overflow: auto; margin-top: 8px; }
#paper svg { display: block; width: auto; max-width: 100%; height: auto; max-height: 80vh; margin: 0 auto; border-radius: 6px; }
#paper .lit > path, #paper .lit > polygon { stroke: #11703a; stroke-width: 3; fill: #c9f2d8; }
#paper #state-failed.lit > path { stroke: #b42318; fill: #ffdcd7; }
#paper #state-closed.lit > path { stroke: #57606a; fill: #e4e8ec; }
#paper .badge { font: bold 24px system-ui, Helvetica, Arial, sans-serif; fill: #11703a; stroke: #fff; stroke-width: 6px; paint-order: stroke; }
#paper #state-failed .badge { fill: #b42318; }
#paper #state-closed .badge { fill: #57606a; }
@media (prefers-color-scheme: dark) { #paper svg { filter: invert(.91) hue-rotate(180deg); } }

section { display: grid; grid-template-columns: 1fr auto; gap: 10px; align-items: center; }
section > :not(h2, input) { grid-column: 1 / -1; }
input { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 4px 10px; width: 14em; }
.scroll { overflow: auto; max-height: 48vh; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 600; color: var(--soft); background: var(--card); position: sticky; top: 0; }
th, td { padding: 4px 8px; white-space: nowrap; border-bottom: 1px solid var(--line); }
td { max-width: 26em; overflow: hidden; text-overflow: ellipsis; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
/* Text of peers stays within its own cell, whatever direction it claims. */
td.peer { unicode-bidi: isolate; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px; }
td.event, #log .event { color: var(--soft); font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 12px; }
.state { color: var(--tone); font-weight: 600; }
tbody tr { cursor: pointer; }
tbody tr:hover { background: var(--ground); }
tr.ended td:not(.state) { color: var(--soft); }
tr.chosen { box-shadow: inset 3px 0 0 var(--accent); }
@keyframes lit-a { from { background: var(--flash); } }
@keyframes lit-b { from { background: var(--flash); } }
.flash-a { animation: lit-a 1.2s ease-out; }
.flash-b { animation: lit-b 1.2s ease-out; }
#more { margin: 0; color: var(--soft); }

aside { display: grid; grid-template-columns: 1fr auto; gap: 8px; }
aside pre { grid-column: 1 / -1; margin: 0; overflow: auto; max-height: 40vh; font-size: 12px; unicode-bidi: isolate; }
#one-close { font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 2px 10px; cursor: pointer; }
#log { list-style: none; margin: 0; padding: 0; overflow: auto; max-height: 40vh; font-size: 13px; }
#log:empty::after { content: 'those that happen from now on appear here'; color: var(--soft); }
#log li { display: grid; grid-template-columns: 7.5em 6em 10em 10em 13em 1fr; gap: 8px; padding: 2px 0; }
#log li > * { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#log time { color: var(--soft); font-variant-numeric: tabular-nums; }
#log .from { color: var(--soft); text-align: right; }
#log .from::after { content: ' →'; }
#log .reason { color: var(--failed); }
/* Beside each other where there is room: the picture stays in sight while the list is read. */
@media (min-width: 1500px) {
  main:has(#picture:not([hidden])) { grid-template-columns: minmax(0, 9fr) minmax(0, 16fr); align-items: start; }
  main > * { grid-column: -2; }
  nav { grid-column: 1 / -1; }
  #picture { grid-column: 1; grid-row: 2 / span 3; position: sticky; top: 60px; }
}
@media (max-width: 760px) { #log li { grid-template-columns: 7em 1fr 1fr; } main { padding: 10px; } }
@media (prefers-reduced-motion: reduce) { .flash-a, .flash-b { animation: none; } }

body.stately { display: flex; flex-direction: column; min-height: 100vh; }
#consent { max-width: 46em; font-size: 15px; gap: 8px; }
#consent h2 { font-size: 18px; }
#consent p, #consent ul { margin: 0; }
#go { justify-self: start; margin-top: 8px; padding: 8px 16px; border-radius: 6px; border: 1px solid var(--accent); background: var(--accent); color: var(--card); cursor: pointer; }
#room { flex: 1; display: flex; }
#room iframe { flex: 1; border: 0; min-height: 80vh; }
`;
