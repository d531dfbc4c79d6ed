/** Escapes text for HTML, XML and the HTML-like labels of Graphviz. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Control characters, which neither HTML nor XML permits, and format characters (Unicode category Cf), which reorder or hide the
 * text around them. Tabs and line feeds are permitted.
 */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The text for an element or a quoted attribute. Control and format characters become `?`. */
export const escaped = (text: string): string =>
  text.replace(CONTROLS, '?').replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
