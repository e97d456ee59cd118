/** Elements as calls, and a morph that changes only what differs: focus, selections and screen readers stay where they are. */
const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    node.append(typeof child === "object" ? child : String(child));
  }
  return node;
}

/** An HTML element; texts are texts, never markup. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

/** A drawing of our own server; scripts in it would not run, and its names are escaped there. */
export function drawing(markup) {
  const found = new DOMParser().parseFromString(markup, "text/html").querySelector("svg");
  return found === null ? h("p", {}, "no drawing") : document.importNode(found, true);
}

const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute("data-key") : null);
const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** Makes `old` into `next`. What a person has opened, written or ticked stays. */
export function morph(old, next) {
  if (!isAlike(old, next)) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType !== 1) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes])
    if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.nodeName === "TEXTAREA") return;
  morphChildren(old, [...next.childNodes]);
}

function morphChildren(parent, wanted) {
  let at = parent.firstChild;
  for (const next of wanted) {
    const key = keyOf(next);
    const found = key === null ? at : childOf(parent, key, next.nodeName);
    if (found !== null && isAlike(found, next)) {
      if (found !== at) parent.insertBefore(found, at);
      else at = at.nextSibling;
      morph(found, next);
    } else parent.insertBefore(next, at);
  }
  while (at !== null) {
    const following = at.nextSibling;
    at.remove();
    at = following;
  }
}

function childOf(parent, key, name) {
  for (const child of parent.childNodes) if (child.nodeName === name && keyOf(child) === key) return child;
  return null;
}
