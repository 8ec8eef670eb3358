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

// Which part of a long list is shown, and buttons to go through it. `load` is called with every change; `offset` is where the list is.
export function pager(place, size, load) {
  const part = make("span", { role: "status" });
  const newer = make("button", { onclick: () => move(-size) }, "Newer"), older = make("button", { onclick: () => move(size) }, "Older");
  place.replaceChildren(part, newer, older);
  const list = { size, offset: 0, show(shown, total) {
    if (!shown && list.offset) { list.offset = Math.max(0, Math.floor((total - 1) / size) * size); load(); return; } // what was there has gone
    place.hidden = total <= size && !list.offset;
    part.textContent = `${list.offset + 1} to ${list.offset + shown} of ${total}, newest first`;
    newer.disabled = list.offset === 0;
    older.disabled = list.offset + shown >= total;
  } };
  const move = (by) => { list.offset = Math.max(0, list.offset + by); load(); };
  return list;
}
