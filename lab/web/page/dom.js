// Makes elements. Text is always text: nothing on this page is ever parsed as HTML (and the Trusted Types policy forbids it).
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
export function draw(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
export const find = (id) => document.getElementById(id);
export const moment = (text) => (text ? text.slice(0, 19).replace("T", " ") : "");
export const common = (subject) => (subject ? (/CN=("[^"]*"|[^,]*)/.exec(subject) || [null, subject])[1] : "no certificate");

// Fills a table's body; rows keep their identity by key, so that the focus stays where it is.
export function fill(table, rows, none, columns) {
  const body = table.tBodies[0];
  const focused = document.activeElement && document.activeElement.dataset.key;
  body.replaceChildren(...rows);
  if (!rows.length) body.append(make("tr", {}, make("td", { colspan: columns, class: "soft" }, none)));
  if (focused) body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}
// Runs a function soon, and once for many calls.
export function settled(work, wait = 150) {
  let timer = null;
  return () => {
    if (timer === null) timer = setTimeout(() => { timer = null; work(); }, wait);
  };
}
