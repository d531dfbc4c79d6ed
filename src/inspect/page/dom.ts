/** Creates and changes elements. Text is never parsed as HTML, which the policy of the page (trusted types) forbids. */

export type Child = Node | string;

/** The element of `index.html` with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element;
}

/** A new element: `make('td.number', '42')`. */
export function make<T extends keyof HTMLElementTagNameMap>(
  spec: T | `${T}.${string}`,
  ...children: readonly Child[]
): HTMLElementTagNameMap[T] {
  const [tag = '', ...classes] = spec.split('.');
  const element = document.createElement(tag) as HTMLElementTagNameMap[T];
  if (classes.length > 0) element.className = classes.join(' ');
  element.append(...children);
  return element;
}

/** A button that calls `act`. */
export function button(text: string, act: () => void, title = ''): HTMLButtonElement {
  const element = make('button', text);
  element.type = 'button';
  if (title) element.title = title;
  element.addEventListener('click', act);
  return element;
}

/** A new SVG element. */
export function makeSvg<T extends keyof SVGElementTagNameMap>(
  tag: T,
  attributes: Readonly<Record<string, string | number>>,
  text = '',
): SVGElementTagNameMap[T] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

/** Sets the text, unless it is the same, since each change costs layout time. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** As {@link setText}, for classes. */
export function setClass(element: Element, classes: string): void {
  if (element.getAttribute('class') !== classes) element.setAttribute('class', classes);
}
