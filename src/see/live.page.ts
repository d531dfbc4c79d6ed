/** The page at `/`: the frame that `live.script.ts` fills. */
export const LIVE_PAGE = /* HTML */ `<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>verack: live</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="/style.css" />
      <script src="/live.js" defer></script>
    </head>
    <body>
      <header>
        <h1>verack</h1>
        <p id="link" role="status">connecting to the node …</p>
        <p id="supervisors"></p>
        <a href="/stately">Stately Inspector</a>
      </header>
      <main>
        <nav id="states" aria-label="Peers by state"></nav>
        <section aria-labelledby="peers-title">
          <h2 id="peers-title">Peers</h2>
          <input
            id="filter"
            type="search"
            placeholder="filter"
            aria-label="Filter peers"
            spellcheck="false"
          />
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">peer</th>
                  <th scope="col">address</th>
                  <th scope="col">type</th>
                  <th scope="col">state</th>
                  <th scope="col" class="number">for</th>
                  <th scope="col">user agent</th>
                  <th scope="col" class="number">version</th>
                  <th scope="col" class="number">ping</th>
                  <th scope="col">last event</th>
                </tr>
              </thead>
              <tbody id="rows"></tbody>
            </table>
          </div>
          <p id="more" hidden></p>
        </section>
        <aside id="one" hidden>
          <h2 id="one-title"></h2>
          <button id="one-close" type="button">close</button>
          <pre id="one-facts"></pre>
        </aside>
        <details id="picture" hidden open>
          <summary>The machine of one connection: how many peers are where</summary>
          <div id="paper"></div>
        </details>
        <section aria-labelledby="log-title">
          <h2 id="log-title">Transitions</h2>
          <ol id="log" reversed></ol>
        </section>
      </main>
    </body>
  </html>`;
